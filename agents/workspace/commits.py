"""Commits, as git names them, and new ones by nobody in particular."""

from collections.abc import Mapping, Sequence

from agents.workspace.git_commands import GitCommands

_IDENTITY: Mapping[str, str] = {
    "GIT_AUTHOR_NAME": "agent-workflows",
    "GIT_AUTHOR_EMAIL": "agent-workflows@localhost",
    "GIT_COMMITTER_NAME": "agent-workflows",
    "GIT_COMMITTER_EMAIL": "agent-workflows@localhost",
}


async def committed(git: GitCommands, tree: str, parents: Sequence[str], message: str) -> str:
    """A commit of a tree, by nobody in particular.

    Raises:
        GitFailed: It could not be made.
    """
    options = (option for parent in parents for option in ("-p", parent))
    return await git.line("commit-tree", *options, "-m", message, tree, variables=_IDENTITY)


async def commit_of(name: str, git: GitCommands) -> str:
    """The commit of a reference or an object's name; empty if there is none.

    Raises:
        GitFailed: Git could not be started.
    """
    found = await git.attempt("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return found.stdout.decode().strip() if found.ok else ""


async def tree_of(commit: str, git: GitCommands) -> str:
    """The tree of a commit.

    Raises:
        GitFailed: There is no such commit.
    """
    return await git.line("rev-parse", f"{commit}^{{tree}}")


async def is_ancestor(earlier: str, later: str, git: GitCommands) -> bool:
    """Whether one commit is the other, or can be reached from it.

    Raises:
        GitFailed: Git could not be started.
    """
    return earlier == later or (await git.attempt("merge-base", "--is-ancestor", earlier, later)).ok


async def branch_exists(branch: str, git: GitCommands) -> bool:
    """Whether there is a branch.

    Raises:
        GitFailed: Git could not be started.
    """
    return (await git.attempt("show-ref", "--verify", "--quiet", f"refs/heads/{branch}")).ok
