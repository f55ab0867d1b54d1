"""The script of `research` without a model: the workspace is looked into, whatever was asked.

Its words are written down here; what it says about files it has really seen, and a file that is not there is a source
that could not be read.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from agents.agent import AgentTask
from agents.script import Data, Glob, Played, Read, Script, Step, Think, Turn

_NO_MODEL = "Scripted, without a model: the question was not understood, and only the workspace was looked into."
_LISTED = "Which files are at the top of the workspace?"
_DESCRIBED = "What does its README say it is?"
_LICENSED = "Under which licence may it be used?"
_READS: Mapping[str, str] = MappingProxyType({_DESCRIBED: "README.md", _LICENSED: "LICENSE"})
_SOURCE = re.compile(r"^\[(\d+)\] (.+)$", re.MULTILINE)
_CLAIM = re.compile(r"^- (.+\[\d+\])$", re.MULTILINE)
_SHOWN = 10


def script_for(task: AgentTask) -> Script:
    """The script of the run that a task belongs to."""
    del task  # every turn decides by its own
    return {"planner": [_plan()], "researcher": _look, "synthesizer": _write}


def _plan() -> Turn:
    return Turn(
        steps=(Think("I cannot understand the question, so I plan what can be found out about any workspace."),),
        data={
            "reasoning": "Files, description and licence are what every workspace can be asked for.",
            "sub_questions": [_LISTED, _DESCRIBED, _LICENSED],
        },
    )


def _look(task: AgentTask) -> Turn:
    path = next((path for part, path in _READS.items() if part in task.prompt), "")
    if not path:
        return Turn(steps=(Think("A listing tells which files there are."), Glob("*")), data=_listed)
    steps: tuple[Step, ...] = (Think(f"That stands in {path}, if it stands anywhere."), Read(path))
    return Turn(steps=steps, data=lambda played: _read(played, path))


def _listed(played: Played) -> Data:
    listing = played.outcomes[0]
    names = [] if not listing.ok or listing.output == "No files found" else listing.output.splitlines()
    if not names:
        return {"findings": [], "unanswered": "There are no files at the top of the workspace."}
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    claim = f"At the top there are {len(names)} files: {', '.join(names[:_SHOWN])}{more}."
    # The listing is seen, and the files themselves are not opened: they are named as sources, and listed as unopened.
    return {"findings": [{"claim": claim, "sources": names[:1]}], "unanswered": ""}


def _read(played: Played, path: str) -> Data:
    outcome = played.outcomes[0]
    lines = [line for line in outcome.output.splitlines() if line.strip()] if outcome.ok else []
    if not lines:
        return {"findings": [], "unanswered": f"`{path}` could not be read, or is empty."}
    return {"findings": [{"claim": f"`{path}` begins with: {lines[0].strip()}", "sources": [path]}], "unanswered": ""}


def _write(task: AgentTask) -> Turn:
    claims = _CLAIM.findall(task.prompt)
    sources = _SOURCE.findall(task.prompt)
    told = "\n".join(f"- {claim}" for claim in claims) or "Nothing was found in the workspace."
    failed = sum("could not be read" in place for _, place in sources)
    open_ = f"\n\nOf the {len(sources)} sources, {failed} could not be read." if failed else ""
    return Turn(text=f"{told}{open_}\n\n**{_NO_MODEL}**")
