"""The script of `ask` without a model: it looks at the workspace, whatever was asked.

Its words are written down here; what it says about files it has really seen.
"""

from agents.agent import AgentTask
from agents.script import Glob, Played, Read, Script, Stream, Think, Turn

_NO_MODEL = "Scripted, without a model: the question was not understood, and only the workspace was looked at."
_SHOWN = 10


def script_for(task: AgentTask) -> Script:
    """The script of the run that a task belongs to."""
    del task  # the same for every question
    return {"assistant": [_look_around()]}


def _look_around() -> Turn:
    return Turn(
        steps=(
            Think("Before I can say anything I have to see which files there are."),
            Glob("*"),
            Stream("A README says most about a directory, so I read that."),
            Read("README.md"),
        ),
        text=_told,
    )


def _told(played: Played) -> str:
    listing, readme = played.outcomes
    names = [] if not listing.ok or listing.output == "No files found" else listing.output.splitlines()
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    there = f"At the top of the workspace there are {len(names)} files: {', '.join(names[:_SHOWN])}{more}."
    lines = [
        there if names else "At the top of the workspace there are no files.",
        f"`README.md` begins with: {readme.output.lstrip().splitlines()[0]}"
        if readme.ok and readme.output.strip()
        else "There is no `README.md` that could be read.",
        f"**{_NO_MODEL}**",
    ]
    return "\n\n".join(lines)
