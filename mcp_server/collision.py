"""Refuses to start where another distribution owns one of this program's package names.

The names `agents`, `workflows` and `mcp_server` are plain, and other distributions use them too. pip and uv let two
distributions in one environment overwrite each other's files without a word; whoever came last wins, and the loser
breaks somewhere deep inside. So the command asks, before it imports anything from `agents` or `workflows`, whose these
names are.

It is on the way to every start and held to 5 ms, so it imports nothing but light parts of the standard library.
"""

import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_NAMES = ("agents", "workflows", "mcp_server")
_OURS = "agent_workflows_mcp"
_METADATA = (".dist-info", ".egg-info")
_REFUSED = 2
"""The exit code of a command that cannot be used as it was called."""


@dataclass(frozen=True, slots=True)
class Rival:
    """Somebody else who provides one of our package names.

    Attributes:
        package: The name that is claimed twice.
        directory: Where the rival's package lies.
        distribution: The distribution that brought it, as its metadata spells it; None where no distribution did (a
            plain folder that `PYTHONPATH` or `python -m` put in front).
    """

    package: str
    directory: Path
    distribution: str | None


def refuse_rival() -> None:
    """Ends the process with one message when another distribution owns a name of ours.

    Raises:
        SystemExit: With code 2. The message on stderr names the rival and the remedy.
    """
    rival = find_rival(Path(__file__).parent.parent)
    if rival is not None:
        print(_refusal(rival), file=sys.stderr)  # noqa: T201 - the one thing this process will ever say
        raise SystemExit(_REFUSED)


def find_rival(home: Path) -> Rival | None:
    """Returns who else provides `agents`, `workflows` or `mcp_server`, without importing any of them.

    Two things can be wrong. A name can be found somewhere else than at home; or it is found there, but another
    distribution has installed into the same directory, and the files lie mixed.

    Args:
        home: The directory that holds our three packages: `site-packages`, or the tree of an editable install.
    """
    for package in _NAMES:
        directory = _found_in(package)
        if directory is not None and not directory.samefile(home):
            claim = next((claim for claim in _claims(directory) if claim.package == package), None)
            return claim or Rival(package, directory, None)
    return next(_claims(home), None)


def _found_in(package: str) -> Path | None:
    """Returns the directory that `import package` would take it from; None where it has no source of its own."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent.parent if spec.submodule_search_locations is not None else origin.parent


def _claims(directory: Path) -> Iterator[Rival]:
    """Yields the distributions installed in a directory, other than ours, that provide one of our names.

    `importlib.metadata.packages_distributions()` answers the same question, but parses every line of every record,
    and importing it costs more than the whole check may.
    """
    for metadata in directory.iterdir():
        if metadata.suffix not in _METADATA or _is_ours(metadata):
            continue
        provided = _provided(metadata)
        for package in _NAMES:
            if package in provided:
                yield Rival(package, directory, _distribution_name(metadata))


def _is_ours(metadata: Path) -> bool:
    """Tells whether a metadata directory, named `distribution-version.dist-info`, belongs to this program."""
    distribution = metadata.name.partition("-")[0]
    return re.sub(r"[-_.]+", "_", distribution).lower() == _OURS


def _provided(metadata: Path) -> frozenset[str]:
    """Returns which of our names a distribution provides: by its list of files, else by its list of packages.

    A wheel's RECORD has one file a line, its path first, relative to the directory, with forward slashes
    (https://packaging.python.org/en/latest/specifications/recording-installed-packages/).
    """
    try:
        record = b"\n" + (metadata / "RECORD").read_bytes()
    except OSError:
        return _top_level(metadata)
    return frozenset(package for package in _NAMES if _lists(record, package.encode()))


def _lists(record: bytes, package: bytes) -> bool:
    """Tells whether a record lists a package's directory or module.

    The first search alone decides nearly always; it is made for speed, as some records have 5,000 lines.
    """
    if b"\n" + package not in record:
        return False
    return b"\n" + package + b"/" in record or b"\n" + package + b".py," in record


def _top_level(metadata: Path) -> frozenset[str]:
    """Returns which of our names stand in `top_level.txt`, which old installers write instead of RECORD."""
    try:
        return frozenset((metadata / "top_level.txt").read_text("utf-8").split()) & frozenset(_NAMES)
    except OSError:
        return frozenset()


def _distribution_name(metadata: Path) -> str:
    """Returns the name in the metadata (`openai-agents`), else the directory's spelling of it (`openai_agents`)."""
    for name in ("METADATA", "PKG-INFO"):
        try:
            text = (metadata / name).read_text("utf-8", errors="replace")
        except OSError:
            continue
        found = re.search(r"^Name:\s*(\S+)", text, re.MULTILINE)
        if found is not None:
            return found[1]
    return metadata.name.partition("-")[0]


def _refusal(rival: Rival) -> str:
    """Says what is wrong, whose it is, and what helps."""
    if rival.distribution is None:
        return (
            f"agent-workflows cannot start: its package {rival.package!r} is hidden by the one in {rival.directory}.\n"
            f"Take that directory out of PYTHONPATH, and start the command `agent-workflows` itself."
        )
    return (
        f"agent-workflows cannot start: the distribution {rival.distribution!r}, installed in {rival.directory}, "
        f"provides a package {rival.package!r}, and so does this program. In one environment the two overwrite each "
        f"other's files.\n"
        f"Install this program in an environment of its own: `uv tool install agent-workflows-mcp` or "
        f"`pipx install agent-workflows-mcp`.\n"
        f"Then repair the other one where it was: "
        f"`pip uninstall agent-workflows-mcp`, and `pip install --force-reinstall {rival.distribution}`."
    )
