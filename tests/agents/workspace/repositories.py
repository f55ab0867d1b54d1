"""Git repositories of somebody who is at work in them."""

import subprocess
from pathlib import Path


def git(directory: Path, *arguments: str) -> str:
    """Run git as somebody, and return what it says."""
    identity = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.org")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=directory, capture_output=True, text=True, check=True, timeout=5
    )
    return done.stdout


def repository(directory: Path, files: dict[str, str]) -> Path:
    """A repository with one commit."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", "--initial-branch=main")
    write(directory, files)
    git(directory, "add", ".")
    git(directory, "commit", "--quiet", "-m", "first")
    return directory


def write(directory: Path, files: dict[str, str]) -> None:
    """Write files, each by its path below a directory."""
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def files_in(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, git's own left out."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(directory).parts
    }


def what_its_user_has(directory: Path) -> dict[str, object]:
    """Everything about a repository that belongs to its user: files, index, checked-out branch, stash, configuration.

    Of branches only those that are not ours, and no snapshots.
    """
    dot_git = Path(git(directory, "rev-parse", "--path-format=absolute", "--git-common-dir").strip())
    refs = git(directory, "for-each-ref").splitlines()
    index = Path(git(directory, "rev-parse", "--path-format=absolute", "--git-path", "index").strip())
    return {
        "files": files_in(directory),
        "index": index.read_bytes() if index.exists() else b"",
        "head": git(directory, "rev-parse", "--symbolic-full-name", "HEAD"),
        "refs": [line for line in refs if "/agent-workflows/" not in line],
        "config": (dot_git / "config").read_bytes(),
        "stash": git(directory, "stash", "list"),
    }


def our_branches(directory: Path) -> list[str]:
    """Branches of runs."""
    listed = git(directory, "for-each-ref", "--format=%(refname:short)", "refs/heads/agent-workflows")
    return sorted(listed.splitlines())


def snapshots(directory: Path) -> list[str]:
    """Runs of which snapshots are kept, once for each."""
    listed = git(directory, "for-each-ref", "--format=%(refname)", "refs/agent-workflows")
    return [name.split("/")[2] for name in listed.splitlines()]


def worktrees(directory: Path) -> list[str]:
    """Where the repository has work trees, besides the one it is asked in."""
    listed = git(directory, "worktree", "list", "--porcelain").splitlines()
    found = [line.removeprefix("worktree ") for line in listed if line.startswith("worktree ")]
    return [path for path in found if Path(path).resolve() != directory.resolve()]
