import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.workspace.file_patches import file_patches

GIT = """\
diff --git a/src/a.py b/src/a.py
index 1..2 100644
--- a/src/a.py
+++ b/src/a.py
@@ -1,2 +1,2 @@
-one
--- two
+++ three
+four
diff --git a/logo.png b/logo.png
index 1..2 100644
Binary files a/logo.png and b/logo.png differ
diff --git a/gone b/gone
deleted file mode 100644
--- a/gone
+++ /dev/null
@@ -1 +0,0 @@
-diff --git a/no b/no
"""


def test_each_file_has_its_part() -> None:
    patches = file_patches(GIT)

    assert [(patch.path, patch.has_lines) for patch in patches] == [
        ("src/a.py", True),
        ("logo.png", False),
        ("gone", True),
    ]
    assert "".join(patch.text for patch in patches) == GIT


def test_what_stands_before_the_first_file_is_left_out() -> None:
    assert [patch.path for patch in file_patches(f"# a problem\n{GIT}")] == ["src/a.py", "logo.png", "gone"]
    assert file_patches("") == file_patches("# nothing\n") == []


def test_a_file_that_is_not_shown_has_no_lines() -> None:
    diff = "--- a/x.bin\n+++ b/x.bin\n# not shown: binary or too large\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+y\n"

    assert [(patch.path, patch.has_lines) for patch in file_patches(diff)] == [("x.bin", False), ("y", True)]


@pytest.mark.parametrize("name", ["plain.txt", "with blank.txt", "ü.txt", 'quote".txt', "tab\t.txt", "b/x.txt"])
def test_a_name_is_read_as_git_writes_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("text\n")
    (tmp_path / "bin").write_bytes(b"\0")
    for arguments in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True, timeout=5)
    diff = subprocess.run(["git", "diff", "--cached"], cwd=tmp_path, capture_output=True, check=True, timeout=5).stdout

    assert [patch.path for patch in file_patches(diff.decode())] == sorted(["bin", name])


lines = st.lists(
    st.sampled_from(["", "a", "-- x", "++ x", "-", "@@ -1 +1 @@", "diff --git a/x b/x", "x\u2028y", "x\fy"])
)


@settings(deadline=None)
@given(st.lists(st.tuples(lines, lines), max_size=4))
def test_whatever_the_lines_are_no_part_is_lost_and_none_is_made_up(files: list[tuple[list[str], list[str]]]) -> None:
    parts = [
        "".join(
            difflib.unified_diff(
                [f"{line}\n" for line in old], [f"{line}\n" for line in new], f"a/{number}.txt", f"b/{number}.txt"
            )
        )
        for number, (old, new) in enumerate(files)
    ]

    patches = file_patches("".join(parts))

    assert [patch.text for patch in patches] == [part for part in parts if part]
    assert [patch.path for patch in patches] == [f"{number}.txt" for number, part in enumerate(parts) if part]
