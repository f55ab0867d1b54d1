"""Who is let in, and what they see; what is written down of it."""

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.abc import SocketStream
from mcp.server.auth.provider import AccessToken
from websockets.exceptions import InvalidStatus

from mcp_server.http.guard import SIGN_IN_BYTES
from mcp_server.http.principal import Principal
from mcp_server.http.problem import Problem
from mcp_server.http.sessions import SECONDS, Sessions, cookie
from mcp_server.http.shown_tokens import FAILURES_PER_MINUTE, ShownTokens
from tests.mcp_server.http.asking import problem
from tests.mcp_server.http.running import BOUND, Running, running, watching
from tests.waiting import until
from workflows.runs.log import Artifact

pytestmark = pytest.mark.anyio

TOKENS = {"ann": "ann-token-0123456789", "bob": "bob-token-0123456789"}
ROUTES = [
    "/",
    "/page.js",
    "/mcp",
    "/health",
    "/ready",
    "/metrics",
    "/api/runs",
    "/api/runs/x",
    "/api/runs/x/status",
    "/api/runs/x/events",
    "/api/runs/x/artifacts/y",
    "/api/workflows",
    "/api/workflows/echo/graph",
    "/api/events/schema.json",
    "/api/openapi.json",
    "/nothing",
]
POSTED = [
    "/mcp",
    "/api/runs",
    "/api/chat",
    "/api/runs/x/cancel",
    "/api/runs/x/resume",
    "/api/runs/x/answer",
    "/api/runs/x/steer",
    "/api/runs/x/fork",
]


# Who.


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
@pytest.mark.parametrize("token", [None, "wrong"])
async def test_every_route_asks_for_the_token(tmp_path: Path, method: str, token: str | None) -> None:
    async with running(tmp_path, token="right-0123456789") as server, server.client(token) as client:
        answers = [await client.request(method, route) for route in [*ROUTES, *POSTED]]

    assert {answer.status_code for answer in answers} <= {401, 429}
    assert all(
        answer.headers["www-authenticate"].startswith("Bearer") for answer in answers if answer.status_code == 401
    )
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)


async def test_the_right_token_is_let_in(tmp_path: Path) -> None:
    async with running(tmp_path, token="right-0123456789") as server, server.client("right-0123456789") as client:
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/api/runs")).status_code == 200


async def test_a_websocket_asks_for_the_token(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as server:
        run = await server.told("ann", events=1)

        with pytest.raises(InvalidStatus) as nobody:
            await server.socket(run.run_id)
        with pytest.raises(InvalidStatus) as bob:
            await server.socket(run.run_id, authorization=f"Bearer {TOKENS['bob']}")
        async with server.socket(run.run_id, authorization=f"Bearer {TOKENS['ann']}") as socket:
            assert await socket.recv()

    assert nobody.value.response.status_code == 401
    assert bob.value.response.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "/status"),
        ("GET", "/events"),
        ("GET", "/artifacts/a.txt"),
        ("POST", "/cancel"),
        ("POST", "/resume"),
        ("POST", "/answer"),
        ("POST", "/steer"),
        ("POST", "/fork"),
    ],
)
async def test_somebody_elses_run_is_not_there(tmp_path: Path, method: str, path: str) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, server.client(TOKENS["bob"]) as bob:
        run = await server.told("ann", events=1)
        run.writer.save_artifact(Artifact(name="a.txt", media_type="text/plain", body=b"secret"))
        await run.say()

        foreign = await bob.request(method, f"/api/runs/{run.run_id}{path}")
        missing = await bob.request(method, f"/api/runs/{'0' * 20}{path}")

    assert foreign.status_code == missing.status_code == 404
    assert foreign.text.replace(run.run_id, "ID") == missing.text.replace("0" * 20, "ID")


async def test_everybody_lists_and_starts_their_own_runs(tmp_path: Path) -> None:
    body = {"workflow": "hold", "input": {"text": "same"}}
    async with (
        running(tmp_path, tokens=TOKENS) as server,
        server.client(TOKENS["ann"]) as ann,
        server.client(TOKENS["bob"]) as bob,
    ):
        of_ann = (await ann.post("/api/runs", json=body)).json()
        of_bob = (await bob.post("/api/runs", json=body)).json()
        listed = (await bob.get("/api/runs")).json()["runs"]

    assert of_ann["run_id"] != of_bob["run_id"]
    assert [run["run_id"] for run in listed] == [of_bob["run_id"]]


async def test_an_idempotency_key_is_its_owners(tmp_path: Path) -> None:
    body = {"workflow": "hold", "input": {"text": "same"}}
    async with (
        running(tmp_path, tokens=TOKENS) as server,
        server.client(TOKENS["ann"]) as ann,
        server.client(TOKENS["bob"]) as bob,
    ):
        answers = [await one.post("/api/runs", json=body, headers={"idempotency-key": "a"}) for one in (ann, bob)]

    assert len({answer.json()["run_id"] for answer in answers}) == 2


@pytest.mark.usefixtures("no_time_passes")
async def test_wrong_tokens_are_counted(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, server.client("wrong") as stranger:
        answers = [(await stranger.get("/health")).status_code for _ in range(25)]

        assert answers[0] == 401
        assert answers[-1] == 429


@pytest.mark.usefixtures("no_time_passes")
async def test_wrong_tokens_keep_out_nobody_who_has_a_right_one_behind_the_same_address(tmp_path: Path) -> None:
    async with (
        running(tmp_path, tokens=TOKENS) as server,
        server.client("of-last-year") as stale,
        server.client(TOKENS["ann"]) as ann,
        server.client() as browser,
    ):
        while (refused := await stale.get("/health")).status_code != 429:
            pass
        let_in = [(await ann.get("/health")).status_code for _ in range(3)]
        signed_in = await browser.post("/session", data={"token": TOKENS["bob"]})
        turned_away = await browser.post("/session", data={"token": "of-last-year"})

    assert problem(refused, 429, "too_many_requests")["message"] == "Too many wrong tokens came from your address."
    assert let_in == [200] * 3
    assert (signed_in.status_code, turned_away.status_code) == (303, 429)


@pytest.mark.usefixtures("no_time_passes")
async def test_wrong_tokens_that_come_at_once_are_counted_too(tmp_path: Path) -> None:
    statuses: list[bytes] = []

    async def guess(stream: SocketStream) -> None:
        await stream.send(b"wrong")
        statuses.append((await stream.receive()).split()[1])

    async with running(tmp_path, tokens=TOKENS) as server, AsyncExitStack() as stack:
        guesses = [await stack.enter_async_context(await half_signed_in(server)) for _ in range(40)]
        await until(lambda: len(server.uvicorn.server_state.tasks) == len(guesses))
        with anyio.fail_after(BOUND):
            async with anyio.create_task_group() as tasks:
                for stream in guesses:
                    tasks.start_soon(guess, stream)

    assert statuses.count(b"401") == FAILURES_PER_MINUTE
    assert statuses.count(b"429") == len(guesses) - FAILURES_PER_MINUTE


async def half_signed_in(server: Running) -> SocketStream:
    """A connection whose sign-in lacks the token itself."""
    stream = await anyio.connect_tcp(server.address.host, server.address.port)
    await stream.send(b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\ntoken=")
    return stream


@pytest.mark.usefixtures("no_time_passes")
async def test_right_tokens_that_come_at_once_are_all_let_in() -> None:
    authenticator = SlowAuthenticator("right")
    tokens = ShownTokens(authenticator)
    found: list[Principal | None] = []

    async def show() -> None:
        found.append(await tokens.principal("1.2.3.4", "right"))

    with anyio.fail_after(BOUND):
        async with anyio.create_task_group() as tasks:
            for _ in range(3 * FAILURES_PER_MINUTE):
                tasks.start_soon(show)
            await anyio.wait_all_tasks_blocked()
            assert authenticator.asked == FAILURES_PER_MINUTE
            authenticator.answers.set()

    assert found == [Principal("ann")] * 3 * FAILURES_PER_MINUTE


@pytest.mark.usefixtures("no_time_passes")
async def test_of_wrong_tokens_that_are_looked_at_slowly_no_more_are_than_may_be() -> None:
    authenticator = SlowAuthenticator("right")
    tokens = ShownTokens(authenticator)
    outcomes: list[int] = []

    async def guess() -> None:
        try:
            outcomes.append(401 if await tokens.principal("1.2.3.4", "wrong") is None else 200)
        except Problem as problem:
            outcomes.append(problem.status)

    with anyio.fail_after(BOUND):
        async with anyio.create_task_group() as tasks:
            for _ in range(3 * FAILURES_PER_MINUTE):
                tasks.start_soon(guess)
            await anyio.wait_all_tasks_blocked()
            authenticator.answers.set()

    assert authenticator.asked == outcomes.count(401) == FAILURES_PER_MINUTE
    assert outcomes.count(429) == 2 * FAILURES_PER_MINUTE


class SlowAuthenticator:
    """Knows one token, and says nothing until it may: as one whose issuer has not sent its keys yet."""

    open = False

    def __init__(self, right: str) -> None:
        self._right = right
        self.asked = 0
        self.answers = anyio.Event()

    def recognizes(self, token: str) -> bool:
        del token
        return False

    async def principal(self, token: str | None) -> Principal | None:
        self.asked += 1
        await self.answers.wait()
        return Principal("ann") if token == self._right else None


# A browser.


async def test_a_browser_signs_in_with_the_form(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, server.client(accept="text/html") as browser:
        form = await browser.get("/")
        wrong = await browser.post("/session", data={"token": "wrong"})
        signed_in = await browser.post("/session", data={"token": TOKENS["ann"]})
        cookie = signed_in.headers["set-cookie"]
        page = await browser.get("/")
        run = await server.told("ann", events=1)
        async with watching(browser, run.run_id) as watcher:
            frames = await watcher.frames(1)
        await browser.post("/session/end")
        out = await browser.get("/")

    assert form.status_code == wrong.status_code == out.status_code == 401
    assert '<form method="post" action="/session">' in form.text
    assert signed_in.status_code == 303
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKENS["ann"] not in cookie
    assert page.status_code == 200
    assert len(frames) == 1


async def test_what_is_no_sign_in_form_is_refused(tmp_path: Path) -> None:
    fields = {f"field{number}": "x" for number in range(11)}
    async with running(tmp_path, tokens=TOKENS) as server, server.client() as browser:
        answer = await browser.post("/session", data=fields)

    assert answer.status_code == 400
    assert answer.json()["kind"] == "malformed_form"


async def test_a_stranger_cannot_have_a_large_form_kept(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, server.client() as stranger:
        declared = await stranger.post("/session", data={"token": "x" * SIGN_IN_BYTES})
        in_pieces = await stranger.post("/session", content=pieces(SIGN_IN_BYTES + 1))

    assert [declared.status_code, in_pieces.status_code] == [413, 413]
    assert f"{SIGN_IN_BYTES:,}" in declared.json()["message"]


async def pieces(size: int) -> AsyncGenerator[bytes, None]:
    """A body whose size nobody says beforehand."""
    yield b"x" * (size // 2)
    yield b"x" * (size - size // 2)


@pytest.mark.usefixtures("no_time_passes")
async def test_a_stranger_can_sign_in_as_often_as_anybody_may_ask(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS, requests_per_second=0.5) as server, server.client() as browser:
        answers = [await browser.post("/session", data={"token": TOKENS["ann"]}) for _ in range(7)]

    assert [answer.status_code for answer in answers] == [303] * 5 + [429] * 2


def test_a_session_ends_with_its_token_and_after_half_a_day() -> None:
    now = 1000.0
    sessions = Sessions(lambda: now)
    token = AccessToken(token="", client_id="ann", scopes=[], expires_at=1060)
    short = {"cookie": cookie(sessions.open(Principal("ann", token)), secure=False)}
    long = {"cookie": cookie(sessions.open(Principal("bob")), secure=False)}

    now += 59
    assert sessions.find(short)
    now += 1
    assert not sessions.find(short)
    now += SECONDS - 61
    assert sessions.find(long)
    now += 1
    assert not sessions.find(long)


async def test_a_session_that_was_made_up_is_none(tmp_path: Path) -> None:
    async with (
        running(tmp_path, tokens=TOKENS) as server,
        server.client(cookie="agent_workflows_session=guess") as client,
    ):
        assert (await client.get("/api/runs")).status_code == 401


async def test_the_page_can_load_nothing_from_elsewhere(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/")).headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_every_answer_keeps_a_browser_from_guessing(client: httpx.AsyncClient) -> None:
    for path in ("/api/runs", "/api/nothing", "/health", "/"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


# What is written down.


async def test_the_access_log_holds_no_secret(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="agent_workflows.access")

    await client.get("/api/runs?token=secret-of-mine", headers={"authorization": "Bearer other-secret"})
    await client.post("/api/runs", json={"workflow": "echo", "input": {"text": "body-secret"}})
    await client.get("/api/line%0abreak")

    assert "GET /api/runs 400" in caplog.text
    assert "POST /api/runs 202" in caplog.text
    assert "secret" not in caplog.text
    assert "/api/line%0Abreak 404" in caplog.text
