"""What is shipped is the wheel, so that is tested: its contents, its command, and who may lie beside it."""

import base64
import hashlib
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PACKAGES = {"agents", "workflows", "mcp_server"}
WINDOWS = sys.platform == "win32"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our wheel, built from the tree as it is."""
    directory = tmp_path_factory.mktemp("wheel")
    command = ["-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(directory), str(ROOT)]
    run(sys.executable, *command)
    (built,) = directory.glob("*.whl")
    return built


def run(*command: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None) -> str:
    """Runs a command that must succeed, and returns its standard output."""
    done = finish(*command, cwd=cwd, environment=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def finish(
    *command: str | Path, cwd: Path | None = None, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, without the variables that would let it see our tree."""
    hidden = {"PYTHONPATH", "PYTHONHOME", "PYTHONSAFEPATH"}
    clean = {name: value for name, value in os.environ.items() if name not in hidden}
    return subprocess.run(
        command,
        cwd=cwd,
        env=clean | (environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=50,
    )


class Environment:
    """A Python environment of its own, whose third-party packages are those of the running one."""

    def __init__(self, directory: Path) -> None:
        venv.create(directory, with_pip=False, symlinks=not WINDOWS)
        self.programs = directory / ("Scripts" if WINDOWS else "bin")
        self.python = self.programs / ("python.exe" if WINDOWS else "python")
        self.site = Path(
            run(self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=directory).strip()
        )
        # A line in a .pth file puts a directory on the path, but the .pth files in that directory are not read: the
        # editable install of our tree stays unseen. So does our own metadata, as this environment's comes first.
        (self.site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")

    def install(self, wheel: Path) -> None:
        """Installs a wheel with pip."""
        options = ["--no-index", "--no-deps", "--no-compile", "--quiet"]
        run(sys.executable, "-m", "pip", "--python", self.python, "install", *options, wheel)

    def command(self, *arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Runs the console script."""
        return finish(self.programs / "agent-workflows", *arguments, cwd=cwd, environment=environment)


def stand_in(directory: Path, distribution: str, package: str) -> Path:
    """Builds a tiny wheel with the name and the top-level package of a real distribution."""
    name = distribution.replace("-", "_")
    metadata = f"{name}-1.0.dist-info"
    files = {
        f"{package}/__init__.py": f'"""The package of {distribution}."""\n',
        f"{package}/of_its_own.py": "",
        f"{metadata}/METADATA": f"Metadata-Version: 2.4\nName: {distribution}\nVersion: 1.0\n",
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in files.items())
    wheel = directory / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(f"{metadata}/RECORD", f"{record}{metadata}/RECORD,,\n")
    return wheel


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def test_the_wheel_holds_exactly_the_three_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}

    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


NOT_PACKED = {"__pycache__", "node_modules", "build"}
"""What other tools leave in the tree."""


def test_the_wheel_holds_every_file_of_the_three_packages_and_no_other(wheel: Path) -> None:
    in_tree = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not NOT_PACKED.intersection(path.parts)
    }

    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert packed == in_tree


def test_the_metadata_says_what_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = HeaderParser().parsestr(archive.read(path).decode())
        scripts = archive.read(path.replace("METADATA", "entry_points.txt")).decode()
        names = archive.namelist()

    assert metadata["Name"] == "agent-workflows-mcp"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert path.replace("METADATA", "licenses/LICENSE") in names
    assert "agent-workflows = mcp_server.cli:main" in scripts.splitlines()
    required = [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line]
    assert any(line.startswith("mcp<3,>=2") for line in required)
    assert not any(line.startswith(("pytest", "claude-agent-sdk", "ruff")) for line in required)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with our wheel and no rival."""
    environment = Environment(tmp_path_factory.mktemp("environment") / "venv")
    environment.install(wheel)
    return environment


def test_the_installed_command_says_its_version(environment: Environment, wheel: Path, tmp_path: Path) -> None:
    done = environment.command("--version", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["agent-workflows", wheel.name.split("-")[1]]


def test_the_installed_packages_are_those_of_the_wheel(environment: Environment, tmp_path: Path) -> None:
    script = f"import {', '.join(sorted(PACKAGES))} as last; print(agents.__file__, mcp_server.__file__, last.__file__)"

    places = run(environment.python, "-c", script, cwd=tmp_path).split()

    assert all(place.startswith(str(environment.site)) for place in places)


def test_an_agents_folder_in_the_working_directory_hides_nothing(environment: Environment, tmp_path: Path) -> None:
    for package in PACKAGES:
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('the wrong package')\n")

    done = environment.command("--version", cwd=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")


def test_a_folder_that_pythonpath_puts_in_front_is_refused_by_its_place(
    environment: Environment, tmp_path: Path
) -> None:
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents" / "__init__.py").write_text("raise SystemExit('the wrong package')\n")

    done = environment.command("--version", cwd=tmp_path, PYTHONPATH=str(tmp_path))

    assert (done.returncode, done.stdout) == (2, "")
    assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "theirs first"])
@pytest.mark.parametrize(
    ("distribution", "package"), [("openai-agents", "agents"), ("llama-index-workflows", "workflows")]
)
def test_beside_a_rival_the_command_refuses_and_names_it(
    wheel: Path, tmp_path: Path, distribution: str, package: str, *, ours_first: bool
) -> None:
    environment = Environment(tmp_path / "venv")
    theirs = stand_in(tmp_path, distribution, package)
    for each in (wheel, theirs) if ours_first else (theirs, wheel):
        environment.install(each)

    done = environment.command("--version", cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"'{distribution}'" in done.stderr
    assert "uv tool install agent-workflows-mcp" in done.stderr
    assert "Traceback" not in done.stderr
