"""What is checked in as the page is what its sources give, and small; and its parts are right by themselves."""

import gzip
import re
from pathlib import Path

import pytest

from tests.node import VIEWER, run_node, tools_missing

DIST = VIEWER / "dist"
LARGEST = 150_000
"""Bytes of the page's script and style together, compressed."""

needs_tools = pytest.mark.skipif(tools_missing(VIEWER), reason="the page's tools are not installed: make viewer")


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_tools
def test_the_page_that_is_checked_in_is_what_its_sources_give(tmp_path: Path) -> None:
    run_node(VIEWER, "build.mjs", str(tmp_path / "dist"))

    assert files_of(tmp_path / "dist") == files_of(DIST), "make viewer, and check the result in"


def test_the_page_is_small() -> None:
    size = sum(
        len(gzip.compress((DIST / name).read_bytes(), mtime=0)) for name in ("index.html", "page.js", "page.css")
    )

    assert size <= LARGEST


def test_the_page_names_its_own_files_only() -> None:
    named = re.findall(r'(?:src|href)="([^"]+)"', (DIST / "index.html").read_text("utf-8"))

    assert sorted(named) == ["icon.svg", "page.css", "page.js"]
    assert re.findall(r"@import|url\(", (DIST / "page.css").read_text("utf-8")) == []


def test_the_licences_of_what_is_in_the_page_come_with_it() -> None:
    licenses = (DIST / "licenses.txt").read_text("utf-8")

    for package in ("preact", "@dagrejs/dagre", "@tanstack/virtual-core", "highlight.js", "micromark"):
        assert f"\n{package} " in licenses


@needs_tools
def test_the_sources_of_the_page_have_no_type_error() -> None:
    run_node(VIEWER, "node_modules/typescript/bin/tsc", "--noEmit")


@needs_tools
def test_the_state_of_a_run_is_right_after_every_event() -> None:
    run_node(VIEWER, "build.mjs", "--tests")
    run_node(VIEWER, "--test", "build/tests/")
