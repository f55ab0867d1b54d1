"""The wire over stdio: what every request is answered with, in both protocol eras."""

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import jsonschema
import orjson
import pytest

from tests.system.place import OWN_WORKFLOWS, Place
from tests.system.wire import LEGACY, MODERN, Json, WireClient
from workflows.catalog import BUILT_IN

pytestmark = pytest.mark.anyio

METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602
ABOUT_RUNS = (
    "list_runs",
    "get_run",
    "cancel_run",
    "resume_run",
    "answer_run",
    "steer_run",
    "fork_run",
    "replay_run",
)
AT_ONCE = 2.0
"""Seconds; a loaded machine is allowed for."""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module", params=[MODERN, LEGACY])
async def client(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[WireClient]:
    place = Place.below(tmp_path_factory.mktemp("stdio"))
    async with place.server("--offline", era=request.param) as client:
        await client.open()
        yield client


@pytest.fixture(scope="module")
async def request_of_a_run(client: WireClient) -> int:
    """A call of build_feature, answered after a whole run."""
    request = await client.call("build_feature", {"task": "slugs"})
    await client.answer(request)
    return request


@pytest.fixture(scope="module")
async def completed(client: WireClient, request_of_a_run: int) -> Json:
    """The result of a whole run of build_feature."""
    return (await client.answer(request_of_a_run))["result"]


async def tool_of(client: WireClient, name: str) -> Json:
    tools = (await client.asked("tools/list"))["result"]["tools"]
    return next(tool for tool in tools if tool["name"] == name)


async def test_the_server_says_who_it_is_and_how_it_is_used(client: WireClient) -> None:
    first = client.received[0].message["result"]
    server = first["serverInfo"] if client.era == LEGACY else first["_meta"]["io.modelcontextprotocol/serverInfo"]
    assert server["name"] == "agent-workflows"
    assert server["version"]
    assert first.get("protocolVersion", MODERN) == client.era
    assert client.era in first.get("supportedVersions", [LEGACY])
    assert "joins the run" in first["instructions"]
    assert set(first["capabilities"]) >= {"tools", "resources", "prompts"}


@pytest.mark.parametrize("client", [MODERN], indirect=True)  # in the era before, a session is opened once
async def test_the_first_answer_and_later_ones_are_the_same(client: WireClient) -> None:
    first = client.received[0].message["result"]
    await client.asked("tools/list")
    assert (await client.asked("server/discover"))["result"] == first


async def test_a_probe_is_answered_while_the_sdk_is_still_being_imported(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    (slow / "mcp").mkdir(parents=True)
    (slow / "mcp" / "__init__.py").write_text("import threading\n\nthreading.Event().wait(20)\n")
    place = Place.below(tmp_path, PYTHONPATH=str(slow))
    async with place.server("--offline", era=MODERN) as client:
        await client.open()
        assert "joins the run" in client.received[0].message["result"]["instructions"]
        client.process.kill()


async def test_a_ping_is_answered_at_once(client: WireClient) -> None:
    began = time.monotonic()
    answer = await client.asked("ping")
    assert time.monotonic() - began < AT_ONCE
    if client.era == LEGACY:
        assert answer["result"] == {}
    else:  # this version of the protocol has no ping any more
        assert answer["error"]["code"] == METHOD_NOT_FOUND


async def test_an_unknown_method_is_answered_at_once(client: WireClient) -> None:
    began = time.monotonic()
    answer = await client.asked("tools/repair")
    assert time.monotonic() - began < AT_ONCE
    assert answer["error"]["code"] == METHOD_NOT_FOUND


async def test_a_line_that_is_no_request_disturbs_nothing(client: WireClient) -> None:
    for line in (b"", b"no JSON", b"\xff\xfe\x00", b"[]", b'"text"', b"{}", b'{"jsonrpc":"2.0"}'):
        await client.send_line(line)
    await client.notify("notifications/of-somebody-else", {"about": "nothing"})
    await client.notify("notifications/cancelled", {"requestId": 4711})
    assert "tools" in (await client.asked("tools/list"))["result"]


async def test_all_tools_are_listed_whole(client: WireClient) -> None:
    tools: list[Json] = (await client.asked("tools/list"))["result"]["tools"]
    assert [tool["name"] for tool in tools] == [*(workflow.name for workflow in BUILT_IN), *ABOUT_RUNS]
    for tool in tools:
        assert tool["title"]
        assert tool["description"]
        assert {"title", "readOnlyHint", "openWorldHint"} <= tool["annotations"].keys()
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            assert schema["type"] == "object"
        assert tool["inputSchema"]["additionalProperties"] is False
        assert all("description" in field for field in tool["inputSchema"]["properties"].values())


async def test_workflow_tools_are_always_loaded_and_take_the_common_options(client: WireClient) -> None:
    tool = await tool_of(client, "build_feature")
    assert tool["_meta"]["anthropic/alwaysLoad"] is True
    options = {"workspace", "wait_seconds", "max_cost_usd", "max_seconds", "isolation", "permissions"}
    assert set(tool["inputSchema"]["properties"]) == {"task", "constraints", "approve_plan"} | options
    assert tool["inputSchema"]["required"] == ["task"]
    hints = {name: tool["annotations"][name] for name in ("readOnlyHint", "destructiveHint", "idempotentHint")}
    assert hints == {"readOnlyHint": False, "destructiveHint": True, "idempotentHint": False}


async def test_tools_about_runs_say_what_they_do_to_them(client: WireClient) -> None:
    hints = {name: (await tool_of(client, name))["annotations"] for name in ("list_runs", "get_run", "cancel_run")}
    assert [hints[name]["readOnlyHint"] for name in hints] == [True, True, False]
    assert (hints["cancel_run"]["destructiveHint"], hints["cancel_run"]["idempotentHint"]) == (True, True)


async def test_a_whole_run_gives_a_result_that_fits_its_schema(client: WireClient, completed: Json) -> None:
    result = completed["structuredContent"]
    jsonschema.validate(result, (await tool_of(client, "build_feature"))["outputSchema"])
    assert (completed["isError"], result["status"], result["offline"], result["error"]) == (
        False,
        "completed",
        True,
        None,
    )
    assert result["result"]["review"]["verdict"] == "approved"
    assert [test["passed"] for test in result["result"]["tests_run"]][-1] is True
    assert result["usage"]["seconds"] > 0
    assert result["summary"].startswith("Offline: scripted agents")
    texts = [block["text"] for block in completed["content"] if block["type"] == "text"]
    assert texts == [result["summary"]]
    links = [(block["name"], block["uri"]) for block in completed["content"] if block["type"] == "resource_link"]
    assert links == [(artifact["name"], artifact["uri"]) for artifact in result["artifacts"]]
    assert {"research.md", "design.md", "changes.diff", "review.json", "answer.md"} <= {name for name, _ in links}


async def test_a_run_is_told_from_its_start_to_its_end(client: WireClient, request_of_a_run: int) -> None:
    told = client.events(request_of_a_run)
    assert (told[0]["type"], told[0]["first_seq"]) == ("workflow_started", 1)
    assert told[-1]["type"] == "workflow_completed"
    assert client.frames(request_of_a_run)[-1]["progress"] == 100


async def test_every_result_about_runs_fits_its_schema(client: WireClient, completed: Json) -> None:
    run_id = completed["structuredContent"]["run_id"]
    handle = await client.told("build_feature", {"task": "more slugs", "wait_seconds": 0})
    results = {
        "build_feature": handle,
        "get_run": await client.told("get_run", {"run_id": run_id}),
        "cancel_run": await client.told("cancel_run", {"run_id": handle["run_id"], "reason": "seen enough"}),
        "list_runs": await client.told("list_runs", {}),
    }
    for name, result in results.items():
        jsonschema.validate(result, (await tool_of(client, name))["outputSchema"])
    again = await client.called("build_feature", {"task": "more slugs", "max_seconds": 0.001})
    assert (again["isError"], again["structuredContent"]["error"]["kind"]) == (True, "time_limit_reached")
    jsonschema.validate(again["structuredContent"], (await tool_of(client, "build_feature"))["outputSchema"])


async def test_a_run_its_events_and_its_artifacts_are_resources(client: WireClient, completed: Json) -> None:
    result = completed["structuredContent"]
    run_id = result["run_id"]
    assert orjson.loads(await client.resource(f"runs://{run_id}")) == result

    events = await client.log_of(run_id)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("workflow_started", "workflow_completed")
    assert {event["run_id"] for event in events} == {run_id}
    rest = (await client.resource(f"runs://{run_id}/events?after={len(events) - 2}")).splitlines()
    assert [orjson.loads(line) for line in rest] == events[-2:]

    for artifact in result["artifacts"]:
        text = await client.resource(artifact["uri"])
        assert len(text.encode()) == artifact["bytes"] > 0
    assert "slugify" in await client.resource(f"runs://{run_id}/artifacts/changes.diff")


async def test_resources_are_listed_and_a_workflow_is_a_diagram(client: WireClient) -> None:
    resources = (await client.asked("resources/list"))["result"]["resources"]
    assert [resource["uri"] for resource in resources] == [f"workflows://{one.name}/graph" for one in BUILT_IN]
    templates = (await client.asked("resources/templates/list"))["result"]["resourceTemplates"]
    assert [template["uriTemplate"] for template in templates] == [
        "runs://{run_id}",
        "runs://{run_id}/events{?after}",
        "runs://{run_id}/artifacts/{name}",
        "ui://run/{run_id}",
    ]
    diagram = await client.resource("workflows://build_feature/graph")
    assert "graph TD" in diagram
    assert "supervisor -.-> codesmith" in diagram


@pytest.mark.parametrize(
    "uri",
    [
        "runs://0123456789abcdef0123",
        "runs://0123456789abcdef0123/events",
        "runs://../../etc/passwd",
        "workflows://nothing/graph",
        "workflows://build_feature/source",
        "file:///etc/passwd",
        "",
    ],
)
async def test_an_unknown_resource_is_an_error_that_names_it(client: WireClient, uri: str) -> None:
    error = (await client.asked("resources/read", {"uri": uri}))["error"]
    assert error["code"] == INVALID_PARAMS
    assert uri in error["message"]


async def test_parts_of_a_run_that_are_not_there_are_errors(client: WireClient, completed: Json) -> None:
    run = f"runs://{completed['structuredContent']['run_id']}"
    for uri, complaint in {
        f"{run}/artifacts/nothing.md": "nothing.md",
        f"{run}/artifacts/../../secrets": "secrets",
        f"{run}/events?after=yesterday": "'yesterday'",
        f"{run}/events?before=3": "before=3",
    }.items():
        error = (await client.asked("resources/read", {"uri": uri}))["error"]
        assert error["code"] == INVALID_PARAMS
        assert complaint in error["message"]
    assert await client.resource(f"{run}/events?after=1000000") == ""


async def test_each_workflow_has_a_prompt(client: WireClient) -> None:
    prompts = (await client.asked("prompts/list"))["result"]["prompts"]
    assert {prompt["name"]: [argument["name"] for argument in prompt["arguments"]] for prompt in prompts} == {
        workflow.name: list(workflow.input_model.model_fields) for workflow in BUILT_IN
    }
    filled = await client.asked("prompts/get", {"name": "build_feature", "arguments": {"task": "Count the words"}})
    (message,) = filled["result"]["messages"]
    assert message["role"] == "user"
    assert "`build_feature`" in message["content"]["text"]
    assert "task: Count the words" in message["content"]["text"]


@pytest.mark.parametrize(
    ("name", "arguments", "complaint"),
    [
        ("nothing", {}, "'nothing'"),
        ("build_feature", {}, "task is required"),
        ("build_feature", {"task": "  "}, "task is required"),
        ("build_feature", {"task": "x", "colour": "red"}, "'colour'"),
    ],
)
async def test_a_prompt_that_cannot_be_filled_is_an_error(
    client: WireClient, name: str, arguments: Json, complaint: str
) -> None:
    error = (await client.asked("prompts/get", {"name": name, "arguments": arguments}))["error"]
    assert error["code"] == INVALID_PARAMS
    assert complaint in error["message"]


@pytest.mark.parametrize("probes", [1, 2])
async def test_a_client_may_probe_the_modern_way_and_then_open_the_old_way(tmp_path: Path, probes: int) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        for _ in range(probes):
            assert MODERN in (await client.open())["result"]["supportedVersions"]
        client.era = LEGACY
        assert (await client.open())["result"]["protocolVersion"] == LEGACY
        assert (await client.asked("ping"))["result"] == {}
        assert "_meta" not in (await client.asked("tools/list"))["result"]
        assert (await client.told("list_runs", {}))["runs"] == []


async def test_a_client_may_probe_and_go_on_the_modern_way(tmp_path: Path) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        for _ in range(2):
            await client.open()
        assert (await client.told("list_runs", {}))["runs"] == []
        assert (await client.asked("server/discover"))["result"]["resultType"] == "complete"


async def test_a_client_may_call_without_opening_and_send_everything_at_once(tmp_path: Path) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        requests = [await client.request(method) for method in ("server/discover", "tools/list", "server/discover")]
        calls = [await client.call("list_runs", {}) for _ in range(3)]
        answers = [await client.answer(number) for number in (*requests, *calls)]
        assert all("result" in answer for answer in answers)


async def test_a_client_that_only_probes_may_go(tmp_path: Path) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        await client.open()
        await client.close_stdin()
        assert await client.ended() == 0


async def test_a_client_that_says_nothing_may_go(tmp_path: Path) -> None:
    async with Place.below(tmp_path).server("--offline") as client:
        await client.close_stdin()
        assert await client.ended(within=20) == 0  # its start is part of it
        assert not client.raw


@pytest.mark.parametrize("unbuffered", ["", "1"])
async def test_nothing_else_reaches_the_wire_whoever_writes_to_standard_output(tmp_path: Path, unbuffered: str) -> None:
    place = Place.below(tmp_path, PYTHONUNBUFFERED=unbuffered)
    async with place.server("--offline", "--workflow", str(OWN_WORKFLOWS / "noise.py")) as client:
        await client.open()
        result = await client.told("noise", {"task": "be loud"})
        assert result["result"] == {"answer": "NOISE made", "stdin": ""}
        await client.close_stdin()
        await client.ended()
    for noise in ("NOISE printed", "NOISE written past Python", "NOISE of a child", "NOISE without an end"):
        assert noise.encode() not in client.raw
        for where in ("at import", "in build", "in a node"):
            assert f"{noise} {where}" in client.said
