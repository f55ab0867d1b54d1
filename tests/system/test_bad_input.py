"""What cannot be done is refused in words that say what, why and what helps; nothing is left half done."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from tests.fakes.claude_home import claude_environment, require_claude
from tests.system.place import Place
from tests.system.wire import Json, WireClient

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    directory = tmp_path_factory.mktemp("bad-input")
    place = Place.below(directory)
    (place.workspace / "file.txt").write_text("a file")
    (place.workspace / "way-out").symlink_to(directory)
    return place


@pytest.fixture(scope="module")
async def client(place: Place) -> AsyncGenerator[WireClient]:
    async with place.server("--offline") as client:
        await client.open()
        yield client


@pytest.fixture(autouse=True)
async def nothing_half_done(request: pytest.FixtureRequest) -> AsyncGenerator[None]:
    """Every call here is refused: no run is there afterwards, nothing was written, and the server still answers."""
    yield
    if "client" in request.fixturenames:
        client, place = request.getfixturevalue("client"), request.getfixturevalue("place")
        assert (await client.told("list_runs", {}))["runs"] == []
        assert sorted(path.name for path in place.workspace.iterdir()) == ["file.txt", "way-out"]


async def refusal(client: WireClient, tool: str, arguments: Json) -> str:
    """The text of a refusal, which is all that a model reads of it."""
    request = await client.call(tool, arguments)
    result = (await client.answer(request))["result"]
    assert result["isError"], result
    assert "structuredContent" not in result
    assert client.frames(request) == []
    (block,) = result["content"]
    return block["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, ["task: this argument is required"]),
        ({"task": ""}, ["task: String should have at least 1 character"]),
        ({"task": " \n\t"}, ["task: String should have at least 1 character"]),
        ({"task": 5}, ["task: Input should be a valid string", "(got 5)"]),
        ({"task": None}, ["task: Input should be a valid string"]),
        ({"task": ["a", "b"]}, ["task: Input should be a valid string"]),
        ({"task": "x" * 50_001}, ["task: String should have at most 50000 characters"]),
        ({"task": "a", "constraint": ["b"]}, ["constraint: there is no such argument; did you mean constraints?"]),
        ({"task": "a", "colour": 1, "size": 2}, ["colour: there is no such argument", "size: there is no such"]),
        ({"task": "a", "constraints": "none"}, ["constraints: Input should be a valid list"]),
        ({"task": "a", "constraints": [""]}, ["constraints.0: String should have at least 1 character"]),
        ({"task": "a", "wait_seconds": "soon"}, ["wait_seconds: Input should be a valid number"]),
        ({"task": "a", "wait_seconds": -1}, ["wait_seconds: Input should be greater than or equal to 0"]),
        ({"task": "a", "max_cost_usd": 0}, ["max_cost_usd: Input should be greater than 0"]),
        ({"task": "a", "max_seconds": 1e9}, ["max_seconds: Input should be less than or equal to 86400"]),
    ],
)
async def test_an_argument_that_cannot_be_used_is_refused_by_its_name(
    client: WireClient, arguments: Json, words: list[str]
) -> None:
    text = await refusal(client, "build_feature", arguments)
    for each in (*words, "Cause lies with: the call's input", "What helps: This tool takes: ", "task"):
        assert each in text
    assert len(text) < 1000
    assert "pydantic" not in text


@pytest.mark.parametrize(
    ("workspace", "words"),
    [
        ("/", "outside the directories"),
        ("..", "outside the directories"),
        ("way-out", "outside the directories"),
        ("~", "outside the directories"),
        ("~nobody-of-that-name", "workspace: "),
        ("nowhere", "does not exist"),
        ("nowhere/near", "does not exist"),
        ("file.txt", "is a file, not a directory"),
        ("file.txt/below", "workspace: "),
        ("x" * 5000, "workspace: "),
        ("nu\0l", "workspace: "),
    ],
)
async def test_a_workspace_that_cannot_be_used_is_refused(
    client: WireClient, place: Place, workspace: str, words: str
) -> None:
    text = await refusal(client, "build_feature", {"task": "a", "workspace": workspace})
    assert text.startswith("workspace: ")
    assert words in text
    assert "What helps: " in text
    if words.startswith("outside"):
        assert str(place.workspace) in text
        assert "AGENT_WORKFLOWS_ROOTS" in text


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_run", {}, ["run_id: this argument is required"]),
        ("get_run", {"run_id": 7}, ["run_id: Input should be a valid string"]),
        ("get_run", {"run_id": "0123456789abcdef0123"}, ["there is no run '0123456789abcdef0123'", "list_runs"]),
        ("get_run", {"run_id": "' OR 1=1 --"}, ["there is no run"]),
        ("get_run", {"run_id": ""}, ["run_id: "]),
        ("get_run", {"run_id": "a", "wait_seconds": 56}, ["wait_seconds: ", "less than or equal to 55"]),
        ("get_run", {"run_id": "a", "after": -1}, ["after: "]),
        ("get_run", {"run_id": "a", "since": 1}, ["since: there is no such argument"]),
        ("cancel_run", {"run_id": "0123456789abcdef0123"}, ["there is no run", "list_runs"]),
        ("cancel_run", {"run_id": "a", "reason": "x" * 501}, ["reason: "]),
        ("list_runs", {"status": ["asleep"]}, ["status.0: ", "'running'"]),
        ("list_runs", {"limit": 0}, ["limit: "]),
        ("list_runs", {"limit": 101}, ["limit: "]),
        ("list_runs", {"workflows": "all"}, ["workflows: there is no such argument; did you mean workflow?"]),
    ],
)
async def test_tools_about_runs_refuse_what_cannot_be(
    client: WireClient, tool: str, arguments: Json, words: list[str]
) -> None:
    text = await refusal(client, tool, arguments)
    for each in (*words, "Cause lies with: the call's input"):
        assert each in text


async def test_an_unknown_tool_is_refused_with_the_known_ones(client: WireClient) -> None:
    text = await refusal(client, "build_house", {"task": "a"})
    for each in ("'build_house'", "build_feature", "list_runs", "get_run", "cancel_run"):
        assert each in text


@pytest.mark.parametrize("params", [{}, {"name": 5}, {"name": "build_feature", "arguments": "task"}])
async def test_a_call_that_is_none_is_a_protocol_error(client: WireClient, params: Json) -> None:
    assert (await client.asked("tools/call", params))["error"]["code"] == -32602


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_run", {"run_id": "half \ud83d"}),
        ("cancel_run", {"run_id": "\udc7b half"}),
        ("build_feature", {"task": "a", "\ud83d": 1}),
        ("build_feature", {"task": "a", "workspace": "\ud83d"}),
        ("build_feature", {"task": "half \ud83d, whole \U0001f47b, \\ud83d spelled out", "wait_seconds": -1}),
    ],
)
async def test_half_a_character_does_not_silence_the_server(client: WireClient, tool: str, arguments: Json) -> None:
    """JSON can hold half of a surrogate pair, and clients in JavaScript send it; nothing else can hold it."""
    assert await refusal(client, tool, arguments)


def no_command_there(_: Path) -> dict[str, str]:
    return {"AGENT_WORKFLOWS_CLAUDE": "/nowhere/claude"}


def no_command_anywhere(directory: Path) -> dict[str, str]:
    return {"PATH": str(directory), "HOME": str(directory)}


def no_login(directory: Path) -> dict[str, str]:
    variables = claude_environment(directory, "http://127.0.0.1:9")  # nobody is asked before there is a login
    del variables["ANTHROPIC_API_KEY"]
    return variables | {"AGENT_WORKFLOWS_CLAUDE": str(require_claude())}


@pytest.mark.parametrize(
    ("missing", "kind", "words"),
    [
        (no_command_there, "claude_not_found", ["/nowhere/claude", "Correct AGENT_WORKFLOWS_CLAUDE"]),
        (no_command_anywhere, "claude_not_found", ["Looked in: ", "Install Claude Code", "--offline"]),
        (no_login, "not_logged_in", ["Not logged in", "/login", "ANTHROPIC_API_KEY"]),
    ],
)
async def test_a_machine_without_a_usable_claude_is_an_error_that_says_what_to_do(
    tmp_path: Path, missing: Callable[[Path], dict[str, str]], kind: str, words: list[str]
) -> None:
    place = Place.below(tmp_path, **missing(tmp_path))
    async with place.server() as client:
        await client.open()
        result = await client.called("build_feature", {"task": "a"}, within=30)
        structured = result["structuredContent"]
        assert result["isError"]
        assert (structured["status"], structured["offline"], structured["error"]["kind"]) == ("failed", False, kind)
        (text,) = [block["text"] for block in result["content"]]
        for each in (*words, "Cause lies with: the set-up of this machine", structured["run_id"]):
            assert each in text
        (run,) = (await client.told("list_runs", {}))["runs"]
        assert (run["run_id"], run["status"]) == (structured["run_id"], "failed")
    assert list(place.workspace.iterdir()) == []
