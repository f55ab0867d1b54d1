import logging
from pathlib import Path

import anyio
import httpx
import pytest
from websockets.exceptions import InvalidStatus

from mcp_server.http.exposure import check
from mcp_server.http.network import AllowedNames, ListenAddress
from mcp_server.settings import SettingsInvalid, load_settings
from tests.mcp_server.http.running import Running, running, watching
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


# Starting.


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "[::]", "server.example"])
def test_others_are_not_let_in_without_a_token(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="AGENT_WORKFLOWS_TOKEN"):
        check(load_settings(), ListenAddress.parse(f"{host}:8000"))

    check(load_settings(token="long enough"), ListenAddress.parse(f"{host}:8000"))
    check(load_settings(tokens=TOKENS), ListenAddress.parse(f"{host}:8000"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "[::1]"])
def test_loopback_needs_no_token(host: str) -> None:
    check(load_settings(), ListenAddress.parse(f"{host}:8000"))


def test_oauth_in_part_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="JWKS_URL"):
        check(load_settings(oauth_issuer="https://issuer.example"), ListenAddress.parse("127.0.0.1:8000"))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("127.0.0.1:8000", "127.0.0.1:8000"),
        ("8000", "127.0.0.1:8000"),
        (":8000", "127.0.0.1:8000"),
        ("localhost:0", "localhost:0"),
        ("[::1]:80", "[::1]:80"),
    ],
)
def test_an_address_is_read(text: str, shown: str) -> None:
    assert str(ListenAddress.parse(text)) == shown


@pytest.mark.parametrize("text", ["", "localhost", "localhost:", "a:b", "a:70000", "::1:80", "[::1:80", "a:-1", "a:٣"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no HOST:PORT"):
        ListenAddress.parse(text)


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


async def test_wrong_tokens_are_counted(tmp_path: Path) -> None:
    async with running(tmp_path, tokens=TOKENS) as server, server.client("wrong") as stranger:
        answers = [(await stranger.get("/health")).status_code for _ in range(25)]

        assert answers[0] == 401
        assert answers[-1] == 429


# From where.


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "", "a b", "[::1"]
)
async def test_a_name_that_is_not_the_servers_is_refused(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/health", headers={"host": host})

    assert answer.status_code in {400, 421}
    assert answer.json()["kind"] in {"wrong_host", "malformed_http"}


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80", "localhost."])
async def test_names_of_loopback_are_the_servers(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get("/health", headers={"host": host})).status_code == 200


def test_an_address_in_numbers_is_never_a_rebinding() -> None:
    everywhere = AllowedNames(ListenAddress("0.0.0.0", 80), hosts=["team.example"])

    assert everywhere.host_allowed("192.168.1.7:80")
    assert everywhere.host_allowed("team.example")
    assert not everywhere.host_allowed("evil.example")
    assert not AllowedNames(ListenAddress("127.0.0.1", 80)).host_allowed("192.168.1.7:80")


@pytest.mark.parametrize("path", ["/api/runs", "/mcp", "/", "/api/runs/x/events"])
@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "https://localhost"])
async def test_a_page_from_elsewhere_is_refused(client: httpx.AsyncClient, path: str, origin: str) -> None:
    answer = await client.get(path, headers={"origin": origin})

    assert answer.status_code == 403
    assert answer.json()["kind"] == "foreign_origin"


async def test_a_websocket_of_a_page_from_elsewhere_is_refused(server: Running) -> None:
    run = await server.told(events=1)

    with pytest.raises(InvalidStatus) as refused:
        await server.socket(run.run_id, origin="http://evil.example")

    assert refused.value.response.status_code == 403


async def test_the_servers_own_page_may_ask(server: Running, client: httpx.AsyncClient) -> None:
    assert (await client.get("/api/runs", headers={"origin": server.url})).status_code == 200


async def test_a_page_that_was_allowed_may_ask_and_others_may_not(tmp_path: Path) -> None:
    async with running(tmp_path, origins=["https://board.example"], token="t" * 20) as server:
        async with server.client("t" * 20) as client:
            allowed = await client.get("/api/runs", headers={"origin": "https://board.example"})
            other = await client.get("/api/runs", headers={"origin": "https://other.example"})
        preflight = {"origin": "https://board.example", "access-control-request-method": "POST"}
        async with server.client() as client:
            asked = await client.options("/api/runs", headers=preflight)

    assert allowed.headers["access-control-allow-origin"] == "https://board.example"
    assert other.status_code == 403
    assert asked.status_code == 200
    assert "POST" in asked.headers["access-control-allow-methods"]


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "TOKEN", "authorization"])
async def test_a_token_in_an_address_is_refused(tmp_path: Path, name: str) -> None:
    async with running(tmp_path, token="right-0123456789") as server, server.client("right-0123456789") as client:
        for path in ("/api/runs", "/mcp", "/", "/api/runs/x/events", "/session", "/health"):
            answer = await client.get(f"{path}?{name}=right-0123456789")

            assert answer.status_code == 400
            assert answer.json()["kind"] == "token_in_query"
            assert "right-0123456789" not in answer.text


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


# How much.


async def test_who_asks_too_often_is_told_when_to_ask_again(tmp_path: Path) -> None:
    async with running(tmp_path, requests_per_second=0.5) as server, server.client() as client:
        answers = [await client.get("/health") for _ in range(7)]

    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].json()["kind"] == "too_many_requests"


async def test_a_client_that_opens_streams_without_end_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, max_streams=3) as server, server.client() as client:
        run = await server.told(events=1)
        opened = [await open_stream(client, run.run_id) for _ in range(5)]
        statuses = [response.status_code for response in opened]
        refused = opened[-1]
        await refused.aread()
        with pytest.raises(InvalidStatus) as socket:
            await server.socket(run.run_id)
        for response in opened:
            await response.aclose()

    assert statuses == [200, 200, 200, 429, 429]
    assert refused.json()["kind"] == "too_many_streams"
    assert socket.value.response.status_code == 429


async def open_stream(client: httpx.AsyncClient, run_id: str) -> httpx.Response:
    return await client.send(client.build_request("GET", f"/api/runs/{run_id}/events"), stream=True)


async def test_connections_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, max_connections=2) as server:
        first = await anyio.connect_tcp("127.0.0.1", server.address.port)
        second = await anyio.connect_tcp("127.0.0.1", server.address.port)
        third = await anyio.connect_tcp("127.0.0.1", server.address.port)
        with anyio.fail_after(5):
            answer = await third.receive()
        for stream in (first, second, third):
            await stream.aclose()

    assert answer.startswith(b"HTTP/1.1 503")
    assert b"too_many_connections" in answer


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
