import pytest

from workflows.runs.tool_label import tool_label, tool_name

WORKSPACE = "/home/somebody/exporter"


@pytest.mark.parametrize(
    ("tool", "input", "label"),
    [
        ("Read", {"file_path": f"{WORKSPACE}/src/parser.py", "limit": 10}, "Read src/parser.py"),
        ("Edit", {"file_path": f"{WORKSPACE}/src/parser.py", "old_string": "a"}, "Edit src/parser.py"),
        ("Write", {"file_path": "/etc/hosts", "content": "x"}, "Write /etc/hosts"),
        ("MultiEdit", {"file_path": f"{WORKSPACE}2/a.py", "edits": []}, f"MultiEdit {WORKSPACE}2/a.py"),
        ("NotebookEdit", {"notebook_path": f"{WORKSPACE}/a.ipynb"}, "NotebookEdit a.ipynb"),
        ("Bash", {"command": "python -m unittest", "description": "Run tests"}, "Bash python -m unittest"),
        ("Bash", {"command": f"cd {WORKSPACE} && ls"}, "Bash ls"),
        ("Bash", {"command": "cat <<X\nline\nX"}, "Bash cat <<X line X"),
        ("Grep", {"pattern": "TODO", "path": f"{WORKSPACE}/src"}, "Grep TODO in src"),
        ("Grep", {"pattern": "TODO", "path": WORKSPACE}, "Grep TODO in ."),
        ("Glob", {"pattern": "**/*.py"}, "Glob **/*.py"),
        ("WebFetch", {"url": "https://a.example", "prompt": "x"}, "WebFetch https://a.example"),
        ("WebSearch", {"query": "json lines"}, "WebSearch json lines"),
        ("Agent", {"description": "Find tests", "subagent_type": "explore"}, "Agent explore: Find tests"),
        ("Task", {"description": "Find tests", "prompt": "…"}, "Task Find tests"),
        ("mcp__github__get_issue", {"number": 42}, "github: get_issue 42"),
        ("mcp__odd", {}, "mcp__odd"),
        ("search", {"limit": 3, "query": "def export"}, "search def export"),
        ("TodoWrite", {"todos": [{"a": 1}, {"b": 2}]}, "TodoWrite 2 items"),
        ("Other", {"depth": 2, "wide": True}, "Other depth=2 wide=true"),
        ("Nothing", {}, "Nothing"),
        ("", {}, "tool"),
        ("Bash\x1b[31m", {"command": "\x1b]0;x\x07ls\u202e"}, "Bash ls"),
    ],
)
def test_a_label_is_the_tool_and_its_most_telling_argument(tool: str, input: dict[str, object], label: str) -> None:
    assert tool_label(tool, input, WORKSPACE) == label


def test_without_a_workspace_paths_stay_whole() -> None:
    assert tool_label("Read", {"file_path": "/a/b.py"}) == "Read /a/b.py"


def test_a_label_is_never_longer_than_a_message() -> None:
    assert len(tool_label("Bash", {"command": "x" * 5000})) == 200
    assert len(tool_label("m" * 500, {f"k{i}": "v" * 100 for i in range(9)})) <= 200


def test_a_name_of_an_mcp_tool_says_its_server() -> None:
    assert tool_name("mcp__my_server__do__it") == "my_server: do__it"
