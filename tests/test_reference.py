"""The reference against the code: everything there is stands in it, and nothing that is gone."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, cast, get_args

import pytest
from click.testing import CliRunner
from mcp_types import Tool

from agents import roles
from agents.errors import AgentError
from agents.events import WaitReason
from mcp_server import progress, progress_lines, results, run_tools, wording
from mcp_server.cli import COMMANDS, cli
from mcp_server.commands.following import EXIT_CODES
from mcp_server.handlers import Tools
from mcp_server.http import serving
from mcp_server.prompts import listed_prompts
from mcp_server.resources import TEMPLATES
from mcp_server.run_calls import EVENT_META
from mcp_server.settings import MODEL_PREFIX, PREFIX, Settings
from mcp_server.workflow_tools import CommonOptions
from tests.documents import names, one_line, rows, section, spans
from tests.test_house import FILES, text_of
from workflows.build_feature import contract, decision
from workflows.build_feature.contract import BuildFeatureInput, BuildFeatureOutput
from workflows.catalog import BUILT_IN, Catalog
from workflows.runs import admission, pulse
from workflows.runs.errors import RunError
from workflows.runs.events import EventBody
from workflows.runs.run import RunStatus
from workflows.runs.sqlite.database import FILE_NAME

REFERENCE = "docs/reference.md"
TOOLS: dict[str, Tool] = {tool.name: tool for tool in Tools(Catalog.with_own()).definitions}
KINDS_WITHOUT_A_CLASS = {"internal_error": "server", "cancelled": "caller", "interrupted": "setup"}


def part(heading: str) -> str:
    return section(REFERENCE, heading)


# The command line.


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_subcommand_is_what_it_prints(command: str) -> None:
    assert help_of(command) in one_line(part(f"### `agent-workflows {command}`"))


def test_the_help_of_the_command_is_what_it_prints() -> None:
    assert help_of() in one_line(part("## Command line"))


def help_of(*command: str) -> str:
    done = CliRunner().invoke(cli, [*command, "--help"], prog_name="agent-workflows", terminal_width=78)
    assert done.exit_code == 0
    return one_line(done.output)


def test_no_subcommand_is_shown_that_is_gone() -> None:
    shown = [line for line in text_of(REFERENCE).splitlines() if line.startswith("### `agent-workflows ")]

    assert len(shown) == len(COMMANDS)


def test_exit_codes_say_how_a_run_ended() -> None:
    shown = {status: int(row[0]) for row in rows(part("## Exit codes"), "code") for status in spans(row[1])}

    assert {status: code for status, code in shown.items() if status in get_args(RunStatus)} == EXIT_CODES


# Settings.


def test_settings() -> None:
    variables = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} - {f"{PREFIX}MODELS"}
    shown = rows(part("## Settings"), "variable")

    assert {spans(row[0])[0] for row in shown} == {*variables, f"{MODEL_PREFIX}<ROLE>", f"{PREFIX}CONFIG"}
    assert [name for row in shown for name in spans(row[1])] == list(Settings.model_fields)


def test_the_default_number_of_runs() -> None:
    (row,) = [row for row in rows(part("## Settings"), "variable") if "MAX_RUNS" in row[0]]

    assert row[2] == str(Settings.model_fields["max_runs"].default)


def test_every_role_of_build_feature_is_named() -> None:
    known = {role.name for role in vars(roles).values() if isinstance(role, roles.Role)}

    assert known <= set(spans(part("## Settings")))


# Tools.


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_the_arguments_of_a_tool(name: str) -> None:
    common = CommonOptions.model_fields if name in {workflow.name for workflow in BUILT_IN} else ()
    own = [argument for argument in TOOLS[name].input_schema["properties"] if argument not in common]

    assert names(part(f"### `{name}`"), "argument") == own


def test_required_arguments_are_called_so() -> None:
    for name, tool in TOOLS.items():
        required = [row for row in rows(part(f"### `{name}`"), "argument") if "required" in row[1]]
        assert [spans(row[0])[0] for row in required] == tool.input_schema.get("required", [])


def test_the_common_options() -> None:
    assert names(part("### Common options"), "argument") == list(CommonOptions.model_fields)


def test_the_result_of_a_workflow() -> None:
    assert names(part("### Result of a workflow"), "field") == properties(TOOLS["build_feature"])


def test_the_result_of_build_feature() -> None:
    assert names(part("### `build_feature`"), "field") == list(BuildFeatureOutput.model_fields)


@pytest.mark.parametrize("name", ["list_runs", "get_run"])
def test_the_result_of_a_tool_about_runs(name: str) -> None:
    assert sorted(names(part(f"### `{name}`"), "field")) == sorted(properties(TOOLS[name]))


def test_cancel_run_answers_as_get_run_does() -> None:
    assert TOOLS["cancel_run"].output_schema == TOOLS["get_run"].output_schema


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_every_field_deep_in_a_result_is_named(name: str) -> None:
    inner = cast("Mapping[str, Mapping[str, Any]]", (TOOLS[name].output_schema or {}).get("$defs", {}))
    deep = {field for schema in inner.values() for field in schema.get("properties", ())}

    assert deep <= set(spans(part("## Tools")))


def properties(tool: Tool) -> list[str]:
    assert tool.output_schema is not None
    return list(tool.output_schema["properties"])


def test_the_artifacts_of_build_feature() -> None:
    code = "".join(
        text_of(name) for name in FILES if name.startswith(("workflows/build_feature/", "workflows/observed/"))
    )
    (line,) = [line for line in part("### `build_feature`").splitlines() if line.startswith("Artifacts:")]

    assert set(spans(line)) == set(re.findall(r'"(\w+\.(?:md|json|diff))"', code))
    assert f"whole as `{admission.RESULT}`" in one_line(part("### `build_feature`"))


# Resources and prompts.


def test_resources() -> None:
    templates = [template.uri_template for template in TEMPLATES]

    assert names(part("## Resources"), "URI") == [*templates, "workflows://{name}/graph"]


def test_prompts() -> None:
    known = [prompt.name for prompt in listed_prompts(Catalog.with_own())]

    assert spans(part("## Prompts")) == known


# Progress.


def test_every_icon_is_explained() -> None:
    function = ast.parse(inspect.getsource(wording.icon)).body[0]
    texts = [node.value for node in ast.walk(function) if isinstance(node, ast.Constant)]
    icons = {text for text in texts if isinstance(text, str) and not text.isascii()}

    assert {row[0] for row in rows(part("## Progress"), "icon")} == icons


def test_the_key_of_the_event_in_a_notification() -> None:
    assert f'_meta["{EVENT_META}"]' in spans(part("## Progress"))


# Events.


def bodies() -> Iterator[tuple[str, list[str]]]:
    """Every type of event, with its own fields."""
    for body in cast("tuple[type[Any], ...]", get_args(EventBody)):
        defaults = {field.name: field.default for field in fields(body)}
        yield cast("str", defaults.pop("type")), list(defaults)


def test_events() -> None:
    shown = [(spans(row[0])[0], spans(row[1])) for row in rows(part("## Events"), "type")]

    assert shown == list(bodies())


def test_what_a_heartbeat_waits_for() -> None:
    (row,) = [row for row in rows(part("## Events"), "type") if "heartbeat" in row[0]]

    assert set(spans(row[2])) == {*get_args(WaitReason), "slot", "work"}


def test_run_statuses() -> None:
    assert names(part("## Run statuses"), "status") == list(get_args(RunStatus))


# Kinds of errors.


def kinds(error: type[AgentError | RunError]) -> dict[str, str]:
    """The kind of an error and of all below it, each with who is to blame."""
    found: dict[str, str] = {error.kind: error.blame}
    for below in error.__subclasses__():
        if not below.__module__.startswith("tests."):
            found |= kinds(below)
    return found


def test_error_kinds() -> None:
    shown = {spans(row[0])[0]: row[1] for row in rows(part("## Error kinds"), "kind")}

    assert serving.AddressUnavailable.kind in shown
    assert shown == {**kinds(AgentError), **kinds(RunError), **KINDS_WITHOUT_A_CLASS}


@pytest.mark.parametrize("kind", sorted(KINDS_WITHOUT_A_CLASS))
def test_a_kind_without_a_class_is_used(kind: str) -> None:
    code = [text_of(name) for name in FILES if name.startswith(("workflows/runs/", "mcp_server/"))]

    assert any(f'kind="{kind}"' in text or f'_failed("{kind}"' in text or f'"{kind}",\n' in text for text in code)


# Numbers and names that stand in sentences.


@pytest.mark.parametrize(
    ("heading", "sentence"),
    [
        ("## Progress", f"at most {1 / progress.LEAST_INTERVAL:.0f} a second"),
        ("## Progress", f"at most {wording.LONGEST_LINE} characters"),
        ("## Progress", f"more than {progress_lines.MOST_LINES} lines wait"),
        ("## Events", f"nothing happened for {pulse.QUIET_SECONDS:g} s"),
        ("## Events", f"more than {admission.LONGEST_VALUE:,} characters is cut to {admission.KEPT_OF_LONG_VALUE:,}"),
        ("### Result of a workflow", f"at most about {results.LARGEST_RESULT:,} characters"),
        ("### `build_feature`", f"At most {contract.LONGEST_TASK:,} characters"),
        ("### `build_feature`", f"all together at most {decision.MOST_ROUNDS} times"),
        ("### `get_run`", f"The newest {run_tools.MOST_EVENTS} telling events"),
        ("## Data directory", f"`{FILE_NAME}`"),
    ],
)
def test_a_number_in_a_sentence_is_that_of_the_code(heading: str, sentence: str) -> None:
    assert sentence in one_line(part(heading))


def test_how_often_each_agent_may_work() -> None:
    most = decision.MOST_TIMES

    assert (most["research"], most["architect"]) == (2, 2)
    assert (most["codesmith"], most["reviewfix"]) == (3, 3)
    sentence = "research and architect work at most 2 times, codesmith and reviewfix at most 3 times"
    assert sentence in one_line(part("### `build_feature`"))


def test_a_line_is_said_again_before_10_s_of_silence() -> None:
    assert progress.LONGEST_SILENCE < 10
    assert "at least one every 10 s" in one_line(part("## Progress"))


def test_the_most_constraints() -> None:
    (length,) = [item for item in BuildFeatureInput.model_fields["constraints"].metadata if hasattr(item, "max_length")]

    (row,) = [row for row in rows(part("### `build_feature`"), "argument") if "constraints" in row[0]]
    assert f"At most {length.max_length}." in row[2]
