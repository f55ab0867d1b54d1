"""What documents name is there, where they lead is something, and what they tell to type works."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import click
import pytest
from click.testing import CliRunner
from mcp import Client, StdioServerParameters

from agents.processes.environment import CHILD_VARIABLE, DEPTH_VARIABLE, RUN_VARIABLE
from mcp_server.cli import COMMANDS, cli
from mcp_server.handlers import Tools
from mcp_server.settings import MODEL_PREFIX, PREFIX, Settings, load_settings
from tests.documents import DOCUMENTS, anchors, blocks, links, one_line, prose, rows, section, spans
from tests.test_house import FILES, ROOT, text_of
from workflows.catalog import Catalog

OWN_WORKFLOW = "docs/own-workflow.md"
EXAMPLES = ("examples/own_workflow.py", "examples/test_own_workflow.py")
QUOTED_IN_PART = ("examples/asking_workflow.py",)
DECISIONS = [name for name in DOCUMENTS if re.fullmatch(r"docs/decisions/\d{4}-[\w-]+\.md", name)]
FOLDERS = {name.partition("/")[0] for name in FILES if "/" in name and not name.startswith(".")}
STATUS = re.compile(r"^Status: (accepted|replaced by \d{4})\. Date: 2\d{3}-\d\d-\d\d\.$", re.MULTILINE)
PLACEHOLDERS = "/path/to/"
OTHER_PROGRAMS = {"uv"}
"""What documents tell to type and nobody checks here."""


# Names and links.


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document: str) -> None:
    def leads_somewhere(link: str) -> bool:
        path, _, anchor = link.partition("#")
        place = ((ROOT / document).parent / path).resolve() if path else ROOT / document
        return place.exists() and (not anchor or anchor in anchors(place.relative_to(ROOT).as_posix()))

    assert [link for link in links(document) if "://" not in link and not leads_somewhere(link)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_is_named_is_there(document: str) -> None:
    paths = [name for name in spans(prose(document)) if re.fullmatch(r"[\w.-]+/[\w./-]*", name)]

    assert [path for path in paths if path.partition("/")[0] in FOLDERS and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_variable_that_is_named_is_one(document: str) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    known |= {f"{PREFIX}CONFIG", RUN_VARIABLE, CHILD_VARIABLE, DEPTH_VARIABLE}
    written = set(re.findall(rf"\b{PREFIX}[A-Z_]+", text_of(document)))

    assert [name for name in written - known if name != PREFIX and not name.startswith(MODEL_PREFIX)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_subcommand_that_is_named_is_one(document: str) -> None:
    written = re.findall(r"`agent-workflows ([a-z]+)", text_of(document))

    assert set(written) <= set(COMMANDS)


def test_the_readme_names_every_tool() -> None:
    written = [name for row in rows(section("README.md", "## Tools"), "tool") for name in spans(row[0])]

    assert sorted(written) == sorted(tool.name for tool in Tools(Catalog.with_own()).definitions)


def test_the_map_of_the_house_shows_every_folder() -> None:
    shown = re.findall(r"^(\w+)/ ", section("README.md", "## The map of the house"), re.MULTILINE)

    assert set(shown) == FOLDERS


# What is shown.


def test_every_json_block_can_be_read() -> None:
    shown = [block.text for document in DOCUMENTS for block in blocks(document, "json")]

    assert all(isinstance(json.loads(text), dict) for text in shown)
    assert shown


def test_the_configuration_file_that_is_shown_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = blocks("docs/reference.md", "toml")
    (tmp_path / "config.toml").write_text(block.text)
    monkeypatch.setenv(f"{PREFIX}CONFIG", str(tmp_path / "config.toml"))

    settings = load_settings()

    assert settings.max_runs == 2
    assert settings.roots == (Path("~/projects").expanduser(),)
    assert settings.models == {"codesmith": "claude-cli:opus"}


@pytest.mark.anyio
async def test_the_registration_of_the_readme_starts_a_server(tmp_path: Path) -> None:
    (block,) = blocks_of(section("README.md", "### In Claude Code"), "json")
    registration: dict[str, Any] = json.loads(block)["mcpServers"]["agent-workflows"]
    assert registration["type"] == "stdio"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    server = StdioServerParameters(
        command=registration["command"],
        args=registration["args"],
        env={**os.environ, "PATH": path, f"{PREFIX}HOME": str(tmp_path / "home")},
        cwd=tmp_path,
    )

    with anyio.fail_after(30):
        async with Client(server, mode="legacy") as client:  # legacy: it opens with `initialize`
            server_info, tools = client.server_info, (await client.list_tools()).tools

    assert server_info is not None
    assert server_info.name == "agent-workflows"
    assert "build_feature" in [tool.name for tool in tools]


def blocks_of(text: str, language: str) -> list[str]:
    """The fenced blocks of a piece of a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


# What to type.


def command_lines() -> list[tuple[str, str]]:
    """The lines behind a `$`, each with its document."""
    return [
        (document, line.removeprefix("$ "))
        for document in DOCUMENTS
        for block in blocks(document, "console", "bash")
        for line in block.text.splitlines()
        if line.startswith("$ ")
    ]


@pytest.mark.parametrize(("document", "line"), command_lines())
def test_every_command_line_is_one(document: str, line: str) -> None:
    del document  # for the test's name
    check(shlex.split(line, comments=True))


@pytest.mark.parametrize(
    "line",
    [
        "agent-workflows walk",
        "agent-workflows watch",
        "agent-workflows run x --work .",
        "agent-workflows serve --workflow examples/none.py",
        "claude mcp add agent-workflows -- agent-workflows server",
        "make coffee",
        "unheard of",
    ],
)
def test_a_command_line_that_is_none_is_found(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        check(shlex.split(line))


def check(words: list[str]) -> None:
    """Fails unless the command and its options exist; runs nothing."""
    match words:
        case ["agent-workflows", "--version"]:
            pass
        case ["agent-workflows", name, *rest]:
            group = click.Context(cli, **cli.context_settings)
            command = cli.get_command(group, name)
            assert command is not None, f"there is no subcommand {name}"
            command.make_context(name, list(rest), parent=group)
            files = [word for word in rest if word.endswith(".py") and not word.startswith(PLACEHOLDERS)]
            assert all((ROOT / file).is_file() for file in files)
        case ["claude", "mcp", "add", "agent-workflows", "--", *registered]:
            check(registered)
        case ["make", target]:
            assert re.search(rf"^{re.escape(target)}:", text_of("Makefile"), re.MULTILINE), (
                f"there is no target {target}"
            )
        case _:
            assert words[0] in OTHER_PROGRAMS


def test_the_command_says_its_version() -> None:
    done = CliRunner().invoke(cli, ["--version"], prog_name="agent-workflows")

    assert re.fullmatch(r"agent-workflows \d+\.\d+\.\d+", done.output.strip())


# The example, and the document that goes through it.


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_pieces_of_an_example_are_all_of_it_in_its_order(example: str) -> None:
    text = text_of(example)
    quoted = [block.text for block in blocks(OWN_WORKFLOW, "python") if block.text.strip() in text]

    assert without_blank_lines("".join(quoted)) == without_blank_lines(text)


def test_no_piece_of_python_is_anything_else() -> None:
    examples = [text_of(example) for example in (*EXAMPLES, *QUOTED_IN_PART)]
    shown = [block.text.strip() for block in blocks(OWN_WORKFLOW, "python")]

    assert [piece for piece in shown if not any(piece in example for example in examples)] == []


def without_blank_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def test_the_test_of_the_example_passes() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "examples/test_own_workflow.py"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)

    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


# Decisions.


def test_every_decision_is_in_the_index_under_its_title() -> None:
    listed = re.findall(
        r"^\| \[(\d{4})\]\(([\w-]+\.md)\) \| (.+?) \| (?:accepted|proposed|replaced by \d{4}) \|$",
        text_of("docs/decisions/README.md"),
        re.MULTILINE,
    )

    titles = {name.rpartition("/")[2]: text_of(name).partition("\n")[0] for name in DECISIONS}
    assert {file: f"# {number}: {title}" for number, file, title in listed} == titles
    assert [number for number, _, _ in listed] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_has_the_parts_of_the_template(decision: str) -> None:
    def parts(document: str) -> list[str]:
        return re.findall(r"^## .+$", text_of(document), re.MULTILINE)

    assert parts(decision) == parts("docs/decisions/template.md")
    assert re.search(
        r"^Status: (accepted|replaced by \d{4})\. Date: 2\d{3}-\d\d-\d\d\.$", text_of(decision), re.MULTILINE
    )
    assert all(one_line(section(decision, part)) for part in parts(decision))
