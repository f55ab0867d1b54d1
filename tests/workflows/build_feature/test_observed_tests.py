import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.agent import CommandRun
from workflows.build_feature.observed_tests import OUTPUT_CHARACTERS, is_test_command, observed_tests, passed


def run(command: str, output: str = "", *, ok: bool = True) -> CommandRun:
    return CommandRun(command, ok, 1.5, output)


@pytest.mark.parametrize(
    "command",
    [
        "pytest",
        "python -m pytest -q tests",
        "python3.11 -B -m unittest discover -s slugs",
        ".venv/bin/python -m pytest",
        "cd app && npm test",
        "npm run test:unit",
        "yarn test",
        "pnpm test -- --watch=false",
        "npx jest src",
        "./node_modules/.bin/vitest run",
        "node --test",
        "go test ./...",
        "cargo test --all",
        "make test",
        "make -C app check",
        "./gradlew :app:test",
        "mvn -q clean verify",
        "dotnet test",
        "tox -e py311",
        "nox -s tests",
        "CI=1 timeout -k 1 30s uv run pytest",
        "python manage.py test",
        "python tests/test_parser.py",
        "pytest 2>&1 | tail -20",
        "cat <<EOF > data.txt && pytest\nx\nEOF",
        "cat <<A <<-'B' > both\nx\nA\ny\n\tB\npytest",
        "grep -c x <<< text; pytest",
    ],
)
def test_a_run_of_tests_is_recognised(command: str) -> None:
    assert is_test_command(command)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "ls tests",
        "grep -rn pytest .",
        "pip install pytest",
        "echo 'run: pytest; go test'",
        'git commit -m "make test; pytest"',
        "cat > README <<'EOF'\npytest\ngo test\nEOF",
        "cat > README <<EOF\npytest",
        "pytest --version",
        "pytest --collect-only",
        "cargo run test",
        "go build ./test",
        "npm install test",
        "npm run build",
        "python setup.py",
        "python -m pip install pytest",
        "uv run",
        "timeout 5",
        "echo 'open quote",
    ],
)
def test_another_command_is_none(command: str) -> None:
    assert not is_test_command(command)


@pytest.mark.parametrize("command", ["pytest", "cd app && pytest", "ls; pytest", "pytest && go test ./...", "pytest;"])
def test_the_exit_code_of_the_tests_is_their_outcome(command: str) -> None:
    assert passed(run(command, ok=True)) is True
    assert passed(run(command, ok=False)) is False


@pytest.mark.parametrize(
    "command", ["pytest | tail", "pytest; echo done", "pytest || true", "pytest; go test", "true || pytest", "pytest &"]
)
def test_the_exit_code_of_something_else_is_not(command: str) -> None:
    assert passed(run(command, ok=True)) is None


def test_what_runs_only_after_passed_tests_proves_them() -> None:
    assert passed(run("pytest && git diff", ok=True)) is True
    assert passed(run("pytest && git diff", ok=False)) is None


@pytest.mark.parametrize(
    ("output", "outcome"),
    [
        ("Ran 3 tests in 0.1s\n\nOK", True),
        ("Ran 3 tests in 0.1s\n\nOK (skipped=1)", True),
        ("Ran 3 tests in 0.1s\n\nFAILED (failures=1)", False),
        ("===== 3 passed in 0.1s =====", True),
        ("3 passed in 0.1s", True),
        ("===== 1 failed, 3 passed in 0.1s =====", False),
        ("1 failed, 2 passed in 0.1s", False),
        ("===== 2 passed, 1 error in 0.1s =====", False),
        ("test result: ok. 3 passed; 0 failed", True),
        ("test result: ok. 3 passed\ntest result: FAILED. 1 passed; 1 failed", False),
        ("ok  \texample.org/a\t0.01s", True),
        ("--- FAIL: TestA (0.00s)\nFAIL\texample.org/a", False),
        ("Tests:       1 failed, 2 passed, 3 total", False),
        ("Tests:       2 passed, 2 total", True),
        ("# fail 0", True),
        ("# fail 2", False),
        ("no tests ran in 0.01s", None),
        ("OKAY then", None),
        ("", None),
    ],
)
def test_where_the_exit_code_does_not_tell_the_summary_does(output: str, outcome: bool | None) -> None:  # noqa: FBT001 - a parameter of the test
    assert passed(run("test-wrapper; pytest | tail", output)) is outcome


def test_only_runs_of_tests_are_kept_as_such() -> None:
    long = "x" * (OUTPUT_CHARACTERS + 5)
    commands = [run("ls"), run("pytest -q", long, ok=False), run("git diff")]

    (seen,) = observed_tests(commands)

    assert (seen.command, seen.passed, seen.seconds) == ("pytest -q", False, 1.5)
    assert seen.output == "x" * OUTPUT_CHARACTERS


@given(st.text(alphabet="pytesgo \"'|&;<>()\n\\$`=-#", max_size=60))
def test_no_command_line_is_too_strange(command: str) -> None:
    assert is_test_command(command) in {True, False}
    assert passed(run(command)) in {True, False, None}
