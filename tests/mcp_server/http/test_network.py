"""Where the server listens, and under which names and from which pages it may be asked."""

from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus

from mcp_server.commands.serve import command
from mcp_server.http.exposure import check
from mcp_server.http.network import AllowedNames, ListenAddress
from mcp_server.settings import SettingsInvalid, load_settings
from tests.mcp_server.http.asking import tool_call
from tests.mcp_server.http.running import Running, running

pytestmark = pytest.mark.anyio

BOARD = "https://board.example"
"""A page elsewhere."""


# Starting.


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "[::]", "server.example"])
def test_others_are_not_let_in_without_a_token(host: str) -> None:
    with pytest.raises(SettingsInvalid, match="AGENT_WORKFLOWS_TOKEN"):
        check(load_settings(), ListenAddress.parse(f"{host}:8000"))

    check(load_settings(token="t" * 16), ListenAddress.parse(f"{host}:8000"))
    check(load_settings(tokens={"ann": "t" * 16}), ListenAddress.parse(f"{host}:8000"))


@pytest.mark.parametrize(
    ("given", "named"),
    [({"token": "t" * 15}, "AGENT_WORKFLOWS_TOKEN "), ({"tokens": {"ann": ""}}, "AGENT_WORKFLOWS_TOKENS: .*'ann'")],
)
def test_a_token_that_could_be_guessed_is_refused(given: dict[str, object], named: str) -> None:
    with pytest.raises(SettingsInvalid, match=f"{named}.*16 characters.*secrets.token_urlsafe"):
        check(load_settings(**given), ListenAddress.parse("127.0.0.1:8000"))


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


def test_an_address_that_is_none_is_a_usage_error() -> None:
    done = CliRunner().invoke(command, ["--http", "nonsense"])

    assert done.exit_code == 2
    assert "is no HOST:PORT" in done.output


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


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/mcp", "accept,authorization,content-type,mcp-method,mcp-name,mcp-param-region,mcp-protocol-version"),
        ("GET", "/mcp", "authorization,last-event-id,mcp-protocol-version,mcp-session-id"),
        ("DELETE", "/mcp", "authorization,mcp-protocol-version,mcp-session-id"),
        ("POST", "/api/chat", "authorization,content-type,idempotency-key"),
    ],
)
async def test_a_page_that_was_allowed_may_send_what_clients_send(
    tmp_path: Path, method: str, path: str, headers: str
) -> None:
    preflight = {
        "origin": BOARD,
        "access-control-request-method": method,
        "access-control-request-headers": headers,
    }
    async with running(tmp_path, origins=[BOARD], token="t" * 20) as server, server.client() as client:
        asked = await client.options(path, headers=preflight)
        other = await client.options(path, headers={**preflight, "origin": "https://other.example"})

    assert asked.status_code == 200, asked.text
    assert set(headers.split(",")) <= set(asked.headers["access-control-allow-headers"].split(","))
    assert method in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-origin"] == BOARD
    assert "access-control-allow-origin" not in other.headers


async def test_a_page_that_was_allowed_calls_a_tool_and_reads_what_clients_need(tmp_path: Path) -> None:
    async with running(tmp_path, origins=[BOARD], token="t" * 20) as server:
        async with server.client("t" * 20, origin=BOARD) as client:
            called = await client.send(tool_call(client, "echo", text="hello"))
        async with server.client(origin=BOARD) as stranger:
            refused = await stranger.send(tool_call(stranger, "echo", text="hello"))

    assert called.status_code == 200
    assert called.headers["access-control-allow-origin"] == BOARD
    assert refused.headers["access-control-allow-origin"] == BOARD
    readable = {name.strip() for name in refused.headers["access-control-expose-headers"].split(",")}
    assert readable == {"location", "mcp-session-id", "retry-after", "www-authenticate", "x-run-id"}


@pytest.mark.parametrize("name", ["token", "access_token", "api_key", "TOKEN", "authorization"])
async def test_a_token_in_an_address_is_refused(tmp_path: Path, name: str) -> None:
    async with running(tmp_path, token="right-0123456789") as server, server.client("right-0123456789") as client:
        for path in ("/api/runs", "/mcp", "/", "/api/runs/x/events", "/session", "/health"):
            answer = await client.get(f"{path}?{name}=right-0123456789")

            assert answer.status_code == 400
            assert answer.json()["kind"] == "token_in_query"
            assert "right-0123456789" not in answer.text
