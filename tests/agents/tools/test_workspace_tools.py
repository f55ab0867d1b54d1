"""Reading, listing, searching, writing and editing inside a workspace, and nowhere else."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tools import path_pattern as path_pattern_module
from agents.tools import reading, writing
from agents.tools.inside import Inside
from agents.tools.path_pattern import path_pattern
from agents.tools.tool import ToolFailed
from tests.agents.tools.workbench import Workbench

pytestmark = pytest.mark.anyio


# ---- reading


async def test_a_file_is_read_with_line_numbers(bench: Workbench) -> None:
    bench.put("a.txt", "one\ntwo\n")

    assert (await bench.use("Read", file_path="a.txt")).output == "1\tone\n2\ttwo"


async def test_an_absolute_path_inside_is_read(bench: Workbench) -> None:
    path = bench.put("a.txt", "one")

    assert (await bench.use("Read", file_path=str(path))).output == "1\tone"


async def test_a_part_of_a_file_is_read_and_the_rest_is_named(bench: Workbench) -> None:
    bench.put("a.txt", "1\n2\n3\n4\n")

    output = (await bench.use("Read", file_path="a.txt", offset=2, limit=2)).output

    assert output == "2\t2\n3\t3\n(more follows; go on with offset 4)"


async def test_the_last_part_of_a_file_has_nothing_after_it(bench: Workbench) -> None:
    bench.put("a.txt", "1\n2\n")

    assert (await bench.use("Read", file_path="a.txt", offset=2, limit=1)).output == "2\t2"


@pytest.mark.parametrize(
    ("text", "offset", "told"), [("", 1, "(the file is empty)"), ("one", 5, "(the file has fewer than 5 lines)")]
)
async def test_where_there_is_nothing_to_read_it_says_so(bench: Workbench, text: str, offset: int, told: str) -> None:
    bench.put("a.txt", text)

    assert (await bench.use("Read", file_path="a.txt", offset=offset)).output == told


async def test_a_file_that_is_one_endless_line_is_read_in_pieces(bench: Workbench) -> None:
    bench.put("a.txt", "x" * 300_000 + "\nnext\n" + "y" * 5000)

    lines = (await bench.use("Read", file_path="a.txt")).output.split("\n")

    assert [len(line.partition("\t")[2]) for line in lines] == [reading.LINE_CHARACTERS, 4, reading.LINE_CHARACTERS]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
async def test_searching_and_reading_count_lines_alike(bench: Workbench, end: str) -> None:
    bench.put("a.py", f"a\f{end}b\u2028c\x1c{end}needle{end}")

    found = (await bench.use("Grep", pattern="needle")).output
    read = (await bench.use("Read", file_path="a.py", offset=3, limit=1)).output

    assert (found, read) == ("a.py:3: needle", "3\tneedle")


async def test_a_file_that_cannot_be_read_hides_no_other(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.put("a.py", "needle")
    locked = bench.put("b.py", "needle")
    bench.put("c.py", "needle")
    read_bytes = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == locked.name:
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)  # who runs tests as root may read everything

    found = (await bench.use("Grep", pattern="needle")).output

    assert found == "a.py:1: needle\nc.py:1: needle\n(1 that cannot be read: b.py)"


async def test_a_long_line_is_cut(bench: Workbench) -> None:
    bench.put("a.txt", "x" * 10_000)

    assert len((await bench.use("Read", file_path="a.txt")).output) == len("1\t") + reading.LINE_CHARACTERS


async def test_what_is_no_utf8_is_read_as_far_as_it_can_be(bench: Workbench) -> None:
    (bench.root / "a.txt").write_bytes(b"caf\xe9\n")

    assert (await bench.use("Read", file_path="a.txt")).output == "1\tcaf\N{REPLACEMENT CHARACTER}"


async def test_what_is_no_text_is_not_read(bench: Workbench) -> None:
    (bench.root / "a.bin").write_bytes(b"\x7fELF\0\0")

    assert "is no text file" in await bench.refused("Read", file_path="a.bin")


async def test_a_file_that_is_not_there_is_named(bench: Workbench) -> None:
    assert await bench.refused("Read", file_path="b.txt") == "b.txt does not exist"


async def test_a_directory_is_not_read(bench: Workbench) -> None:
    assert "is a directory" in await bench.refused("Read", file_path=".")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes in directories")
async def test_a_pipe_is_not_read(bench: Workbench) -> None:
    os.mkfifo(bench.root / "pipe")

    assert await bench.refused("Read", file_path="pipe") == "pipe is no regular file"


# ---- no way out


@pytest.mark.parametrize(
    "path", ["../secret.txt", "/etc/passwd", "a/../../secret.txt", "link", "linked/secret.txt", str(Path.home())]
)
@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("Read", {}),
        ("Write", {"content": "x"}),
        ("Edit", {"old_string": "a", "new_string": "b"}),
    ],
)
async def test_no_path_leads_out_of_the_workspace(
    bench: Workbench, tmp_path: Path, path: str, tool: str, more: dict[str, str]
) -> None:
    (bench.root / "link").symlink_to(tmp_path / "secret.txt")
    (bench.root / "linked").symlink_to(tmp_path)

    assert "is outside the workspace" in await bench.refused(tool, file_path=path, **more)
    assert (tmp_path / "secret.txt").read_text() == "a secret"


@pytest.mark.parametrize("tool", ["Glob", "Grep"])
@pytest.mark.parametrize("path", ["..", "/", "linked"])
async def test_no_directory_outside_is_searched(bench: Workbench, tmp_path: Path, tool: str, path: str) -> None:
    (bench.root / "linked").symlink_to(tmp_path)

    assert "is outside" in await bench.refused(tool, pattern="secret", path=path)


async def test_links_are_not_followed_while_searching(bench: Workbench, tmp_path: Path) -> None:
    (bench.root / "linked").symlink_to(tmp_path)
    (bench.root / "link.txt").symlink_to(tmp_path / "secret.txt")

    assert (await bench.use("Grep", pattern="secret")).output == "Nothing found"
    assert (await bench.use("Glob", pattern="**")).output == "No files found"


async def test_a_circle_of_links_is_told(bench: Workbench) -> None:
    (bench.root / "a").symlink_to("b")
    (bench.root / "b").symlink_to("a")

    assert await bench.refused("Read", file_path="a")


async def test_a_path_with_a_nul_is_refused(bench: Workbench) -> None:
    assert "NUL" in await bench.refused("Read", file_path="a\0b")


@given(parts=st.lists(st.sampled_from(["..", ".", "a", "linked", "", "/", "~", "b.txt"]), max_size=8))
def test_no_path_whatever_leads_out(tmp_path_factory: pytest.TempPathFactory, parts: list[str]) -> None:
    root = tmp_path_factory.getbasetemp() / "hypothesis-workspace"
    if not root.exists():
        (root / "a").mkdir(parents=True)
        (root / "a" / "linked").symlink_to(root.parent)
    inside = Inside(root.resolve())

    try:
        path = inside.path("/".join(parts))
    except ToolFailed:
        return
    assert path.is_relative_to(root.resolve())


# ---- listing and searching


async def test_files_are_listed_by_pattern_directory_by_directory(bench: Workbench) -> None:
    for name in ("src/b.py", "src/a.py", "src/a.txt", "top.py"):
        bench.put(name)

    assert (await bench.use("Glob", pattern="**/*.py")).output == "top.py\nsrc/a.py\nsrc/b.py"
    assert (await bench.use("Glob", pattern="*.py", path="src")).output == "src/a.py\nsrc/b.py"
    assert (await bench.use("Glob", pattern="src/a.{txt,md}")).output == "src/a.txt"


async def test_what_version_control_and_package_managers_keep_is_not_listed(bench: Workbench) -> None:
    bench.put(".git/config")
    bench.put("node_modules/left-pad/index.js")
    bench.put(".github/workflows/ci.yml")

    assert (await bench.use("Glob", pattern="**")).output == ".github/workflows/ci.yml"
    assert (await bench.use("Glob", pattern="**", path="node_modules")).output == "node_modules/left-pad/index.js"


async def test_a_long_listing_says_that_there_is_more(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "LISTED_FILES", 1)
    bench.put("a")
    bench.put("b")

    assert (await bench.use("Glob", pattern="*")).output == "a\n(more follows; use a narrower pattern)"


@pytest.mark.parametrize("pattern", ["{a}{b}{c}", "x" * 201, "{1..1000000}", "../*"])
async def test_a_pattern_that_could_explode_is_refused(bench: Workbench, pattern: str) -> None:
    bench.put("a")

    assert "a pattern has at most" in await bench.refused("Glob", pattern=pattern)


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("**", "a/b/c", True),
        ("**/c", "c", True),
        ("*", "a/b", False),
        ("*.py", ".hidden.py", True),
        ("a?c", "abc", True),
        ("[ab]", "b", True),
        ("[!ab]", "b", False),
        ("[", "[", True),
        ("a", "A", False),
    ],
)
def test_patterns_mean_what_they_usually_mean(pattern: str, path: str, *, matches: bool) -> None:
    assert path_pattern(pattern).matches(path) is matches


@given(text=st.text(max_size=30), path=st.text(max_size=30))
def test_any_text_is_a_pattern_or_is_refused(text: str, path: str) -> None:
    try:
        path_pattern(text).matches(path)
    except ToolFailed:
        return


async def test_lines_are_found_by_a_regular_expression(bench: Workbench) -> None:
    bench.put("src/a.py", "import os\nprint('Hello')\n")
    bench.put("src/b.txt", "hello")

    assert (await bench.use("Grep", pattern=r"hel+o", ignore_case=True)).output == (
        "src/a.py:2: print('Hello')\nsrc/b.txt:1: hello"
    )
    assert (await bench.use("Grep", pattern="hel+o", ignore_case=True, glob="**/*.py")).output.startswith("src/a.py:2")
    assert (await bench.use("Grep", pattern="os", path="src/a.py")).output == "src/a.py:1: import os"
    assert (await bench.use("Grep", pattern="nowhere")).output == "Nothing found"


async def test_what_is_no_text_is_not_searched(bench: Workbench) -> None:
    (bench.root / "a.bin").write_bytes(b"\0needle")

    assert (await bench.use("Grep", pattern="needle")).output == "Nothing found"


async def test_files_that_are_too_large_to_search_are_named(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SEARCHED_BYTES", 5)
    bench.put("large.txt", "a needle")
    bench.put("small.txt", "b")

    assert (await bench.use("Grep", pattern="needle")).output == "Nothing found\n(1 too large to search: large.txt)"


async def test_a_search_with_much_to_show_says_that_there_is_more(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FOUND_LINES", 1)
    bench.put("a.txt", "one\none\n")

    assert (await bench.use("Grep", pattern="one")).output == "a.txt:1: one\n(more follows; use a narrower pattern)"


async def test_a_file_is_no_directory_to_list(bench: Workbench) -> None:
    bench.put("a.txt")

    assert await bench.refused("Glob", pattern="*", path="a.txt") == "a.txt is no directory"


def test_a_path_pattern_that_takes_too_long_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_pattern_module, "MATCH_SECONDS", 0.02)
    pattern = path_pattern("**/*a*/" * 15 + "x")

    with pytest.raises(ToolFailed, match="use fewer stars"):
        pattern.matches(("a" * 20 + "/") * 100 + "y")


async def test_a_wrong_expression_is_told(bench: Workbench) -> None:
    assert "no regular expression" in await bench.refused("Grep", pattern="(")
    assert "no regular expression" in await bench.refused("Grep", pattern="(" * 5000 + ")" * 5000)


async def test_an_expression_that_never_ends_is_ended(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SEARCH_SECONDS", 0.05)
    bench.put("a.txt", "a" * 5000 + "!")

    # An expression with a back reference, which no clever engine can do quickly.
    assert "the pattern took more than" in await bench.refused("Grep", pattern=r"(a|aa|a?a)+\1+(a|aa)+$")


# ---- writing


async def test_a_file_is_written_with_its_directories(bench: Workbench) -> None:
    outcome = await bench.use("Write", file_path="src/a.py", content="one\r\ntwo\n")

    assert (bench.root / "src" / "a.py").read_bytes() == b"one\r\ntwo\n"
    assert outcome.wrote == ("src/a.py",)
    assert outcome.changed_something


async def test_a_file_that_is_there_is_replaced(bench: Workbench) -> None:
    bench.put("a.txt", "a long text that was there")

    await bench.use("Write", file_path="a.txt", content="new")

    assert (bench.root / "a.txt").read_text() == "new"


async def test_a_directory_is_not_overwritten(bench: Workbench) -> None:
    bench.put("src/a.py")

    assert "is no regular file" in await bench.refused("Write", file_path="src", content="x")


async def test_a_file_cannot_be_a_directory(bench: Workbench) -> None:
    bench.put("a", "text")

    assert "could not be written" in await bench.refused("Write", file_path="a/b", content="x")


async def test_text_is_replaced_where_it_stands_once(bench: Workbench) -> None:
    bench.put("a.txt", "one\r\ntwo\r\n")

    outcome = await bench.use("Edit", file_path="a.txt", old_string="two", new_string="zwei")

    assert (bench.root / "a.txt").read_bytes() == b"one\r\nzwei\r\n"
    assert outcome.wrote == ("a.txt",)


@pytest.mark.parametrize(("text", "why"), [("one", "is not in it"), ("two two", "there 2 times")])
async def test_a_place_that_is_not_clear_is_left_as_it_is(bench: Workbench, text: str, why: str) -> None:
    bench.put("a.txt", text)

    assert why in await bench.refused("Edit", file_path="a.txt", old_string="two", new_string="zwei")
    assert (bench.root / "a.txt").read_text() == text


async def test_all_places_are_replaced_where_that_is_asked_for(bench: Workbench) -> None:
    bench.put("a.txt", "two two")

    await bench.use("Edit", file_path="a.txt", old_string="two", new_string="zwei", replace_all=True)

    assert (bench.root / "a.txt").read_text() == "zwei zwei"


async def test_what_is_no_utf8_is_not_edited(bench: Workbench) -> None:
    (bench.root / "a.txt").write_bytes(b"caf\xe9")

    assert "no UTF-8" in await bench.refused("Edit", file_path="a.txt", old_string="caf", new_string="tea")


async def test_what_is_too_large_is_not_edited(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "EDITED_BYTES", 3)
    bench.put("a.txt", "four")

    assert "too large" in await bench.refused("Edit", file_path="a.txt", old_string="four", new_string="4")


async def test_what_cannot_be_encoded_is_not_written(bench: Workbench) -> None:
    bench.put("a.txt", "one")

    assert "could not be written" in await bench.refused("Write", file_path="b.txt", content="\ud800")
    told = await bench.refused("Edit", file_path="a.txt", old_string="one", new_string="\ud800")
    assert "could not be written" in told
    assert (bench.root / "a.txt").read_text() == "one"
