import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.agent import CommandRun
from workflows.observed.observed_tests import OUTPUT_CHARACTERS, is_test_command, observed_tests, passed


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
        "uv run --with pytest pytest",
        "uv run --with pytest --python 3.12 -q pytest -q",
        "uv run -m pytest",
        "uvx --with numpy pytest",
        "coverage run -m pytest",
        "coverage run --branch -m unittest discover",
        "python -m coverage run -m pytest",
        "bash -c 'pytest'",
        'cd app && bash -lc "cd sub; python -m pytest -q" 2>&1',
        "sh -ec 'pytest > log 2>&1; tail log'",
        "if pytest; then echo fine; fi",
        "! pytest",
        "(cd app && pytest)",
        "npm --prefix app test",
        "yarn jest",
        "pnpm exec vitest run",
        "timeout -s KILL 60 pytest",
        "time -p pytest",
        "pytest # all of them",
        "pytest \\\n  -q",
        "tox -e lint,py311",
        "tox",
        "mvn verify -DskipTests=false",
        "cargo +nightly test",
        "make -j4 test",
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
        "python -m pytest --version",
        "python3 -m pytest --collect-only -q",
        "pytest --fixtures",
        "pytest -V",
        "pytest --co -q",
        "python -m unittest --help",
        "cargo test --no-run",
        "cargo test -- --list",
        "mvn verify -DskipTests",
        "mvn test -Dmaven.test.skip=true",
        "make -n test",
        "make -sn test",
        "make --dry-run test",
        "make -C test build",
        "tox -e lint",
        "tox -elint,docs",
        "tox -l",
        "go test -c",
        "go test -list . ./...",
        "npm test -- --help",
        "npx jest --listTests",
        "ctest -N",
        "dotnet test --list-tests",
        "gradle check -x test",
        "coverage report",
        "coverage run setup.py",
        "uv run --with pytest python setup.py",
        "echo ';' pytest",
        "echo a\\; pytest",
        "ls # then: pytest",
        "bash -c 'echo pytest'",
        "bash pytest-notes.sh",
        "echo hello > pytest",
        "echo $(pytest --version)",
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
    "command",
    [
        "pytest | tail",
        "pytest; echo done",
        "pytest || true",
        "pytest; go test",
        "true || pytest",
        "pytest &",
        "! pytest",
        "if pytest; then true; fi",
        "(pytest) | tail",
        "bash -c 'pytest; true'",
        "bash -c 'pytest' | tail",
        "python tests/test_a.py",
        "python -m doctest a.py",
    ],
)
def test_the_exit_code_of_something_else_is_not(command: str) -> None:
    assert passed(run(command, ok=True)) is None


@pytest.mark.parametrize("command", ["bash -c 'cd app && pytest'", "coverage run -m pytest", "(cd app && pytest)"])
def test_the_exit_code_is_found_inside_what_runs_the_tests(command: str) -> None:
    assert passed(run(command, ok=True)) is True
    assert passed(run(command, ok=False)) is False


@pytest.mark.parametrize(
    ("command", "output"),
    [
        ("python -m unittest", "\n----\nRan 0 tests in 0.000s\n\nOK"),
        ("python -m unittest", "Ran 0 tests in 0.000s\n\nNO TESTS RAN"),
        ("pytest", "no tests ran in 0.01s"),
        ("pytest -k none", "==== 5 deselected in 0.01s ===="),
        ("pytest", "3 skipped in 0.01s"),
        ("go test ./...", "?   \texample.org/a\t[no test files]"),
        ("go test -run XXX", "ok  \texample.org/a\t0.01s [no tests to run]"),
        ("npx jest --passWithNoTests", "No tests found, exiting with code 0"),
        ("cargo test", "running 0 tests\n\ntest result: ok. 0 passed; 0 failed; 0 ignored"),
        ("make test", "make: Nothing to be done for 'test'."),
        ("make test", "make: 'test' is up to date."),
        ("pytest", "bash: pytest: command not found"),
        ("python -m pytest", "/usr/bin/python: No module named pytest"),
    ],
)
def test_where_no_test_ran_none_has_passed_or_failed(command: str, output: str) -> None:
    assert passed(run(command, output, ok=True)) is None
    assert passed(run(command, output, ok=False)) is None


def test_a_script_of_tests_that_says_nothing_proves_nothing() -> None:
    assert passed(run("python tests/test_a.py", "", ok=True)) is None
    assert passed(run("python tests/test_a.py", "Ran 2 tests in 0.1s\n\nOK", ok=True)) is True
    assert passed(run("python tests/test_a.py", "Traceback ...", ok=False)) is False


def test_an_exit_code_and_an_output_that_contradict_each_other_prove_nothing() -> None:
    assert passed(run("make test", "2 passed, 1 failed\nmake: [Makefile:2: test] Error 1 (ignored)", ok=True)) is None


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
        ("1 passed, 1 error in 0.02s", False),
        ("2 passed, 3 errors in 1s", False),
        ("FAILED tests/test_a.py::t - assert 1\n3 passed, 1 error", False),
        ("FAILED tests/test_a.py::t\n3 passed in 0.1s", False),
        ("ERROR tests/test_a.py - ImportError\n3 passed in 0.1s", False),
        ("3 passed, 1 xfailed, 2 warnings in 0.1s", True),
        ("Tests:       1 skipped, 2 failed, 3 passed, 6 total", False),
        ("Test Suites: 1 failed, 1 passed, 2 total\nTests:       3 passed, 3 total", False),
        (" Test Files  1 passed (1)\n      Tests  3 passed (3)", True),
        ("      Tests  2 failed | 3 passed (5)", False),
        ("ok  \texample.org/a\t0.01s\nFAIL\texample.org/b [build failed]\nFAIL", False),
        ("ok  \texample.org/a\t0.01s\nFAIL", False),
        ("3 passed in 0.1s\nmake: *** [test] Error 1", False),
        ("3 passed in 0.1s\nmake[1]: *** [Makefile:3: test] Error 2", False),
        ("test result: ok. 0 passed; 0 failed", None),
        ("test result: ok. 2 passed; 0 failed\ntest result: ok. 0 passed; 0 failed", True),
        ("     Summary [   0.012s] 3 tests run: 2 passed, 1 failed, 0 skipped", False),
        ("ok | 3 passed | 0 failed (10ms)", True),
        ("  3 passing (5ms)\n  1 failing", False),
        ("3 examples, 0 failures", True),
        ("3 examples, 1 failure", False),
        ("0 examples, 0 failures", None),
        ("OK (3 tests, 5 assertions)", True),
        ("Tests: 3, Assertions: 5, Failures: 1.", False),
        ("[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 0", True),
        ("[ERROR] Tests run: 3, Failures: 0, Errors: 1, Skipped: 0", False),
        ("Passed!  - Failed:     0, Passed:     3, Skipped:     0", True),
        ("Failed!  - Failed:     1, Passed:     2, Skipped:     0", False),
        ("100% tests passed, 0 tests failed out of 3", True),
        ("67% tests passed, 1 tests failed out of 3", False),
        ("3 tests completed, 1 failed", False),
        ("Ran 0 tests in 0.0s\n\nOK", None),
        ("test result: ok. 3 passed; 0 failed", True),
        ("test result: ok. 3 passed\ntest result: FAILED. 1 passed; 1 failed", False),
        ("ok  \texample.org/a\t0.01s", True),
        ("--- FAIL: TestA (0.00s)\nFAIL\texample.org/a", False),
        ("Tests:       1 failed, 2 passed, 3 total", False),
        ("Tests:       2 passed, 2 total", True),
        ("# tests 2\n# pass 2\n# fail 0", True),
        ("# tests 0\n# pass 0\n# fail 0", None),
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
