import difflib

from hypothesis import given
from hypothesis import strategies as st

from agents.workspace.diff_lines import DiffLines, diff_lines

LINES = st.lists(
    st.sampled_from(["a\n", "b\n", "--- c\n", "+++ d\n", "@@ -1 +1 @@\n", "# not shown\n", "\n"]), max_size=12
)


def test_headers_are_no_lines() -> None:
    diff = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n same\n-old\n+new\n+newer\n\\ No newline at end\n"

    assert diff_lines(diff) == DiffLines(added=2, removed=1)
    assert diff_lines(diff * 3) == DiffLines(added=6, removed=3)
    assert diff_lines("") == DiffLines()


def test_what_is_not_shown_or_cut_is_known_to_be_missing() -> None:
    assert not diff_lines("--- a/x\n+++ b/x\n# not shown: binary or too large\n").complete
    assert not diff_lines("# x: modified, not shown: too large\n").complete
    assert not diff_lines("@@ -0,0 +1,3 @@\n+one\n").complete


@given(LINES, LINES)
def test_what_looks_like_a_header_inside_a_file_is_counted(old: list[str], new: list[str]) -> None:
    diff = list(difflib.unified_diff(old, new, "a/x", "b/x"))
    changed = [line for line in difflib.ndiff(old, new) if line[0] in "+-"]

    counted = diff_lines("".join(diff))

    assert counted.complete
    assert counted.added - counted.removed == len(new) - len(old)
    assert bool(counted.added or counted.removed) == bool(changed)
