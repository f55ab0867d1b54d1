"""The script of `run_claude` without a model: for trying the server out.

What it says is written down here, what it does is real: where the tools of the run may write, a small program is
written and run; where they may only read, the workspace is looked at. The wording of the prompt is ignored.
"""

import sys
from pathlib import Path

from agents.agent import AgentTask
from agents.script import Decide, Glob, Played, Read, Run, Script, Step, Think, Turn, Write

_STEM = "temperature"
_PROGRAM = '''"""Degrees Celsius as degrees Fahrenheit."""


def fahrenheit(celsius: float) -> float:
    """Convert a temperature."""
    return celsius * 9 / 5 + 32


if __name__ == "__main__":
    for celsius in (-40, 0, 100):
        print(f"{celsius} C = {fahrenheit(celsius):g} F")
'''
_EXPECTED = ["-40 C = -40 F", "0 C = 32 F", "100 C = 212 F"]
_NO_MODEL = "Scripted, without a model: the wording of the prompt was ignored."


def script_for(task: AgentTask) -> Script:
    """The script of the run that a task belongs to."""
    del task  # every turn decides by its own
    return {"claude": _play}


def _play(task: AgentTask) -> Turn:
    match task.access:
        case "write":
            return _writes(_fresh_name(task.workspace), runs=_has(task, "Bash"), writes=_has(task, "Write"))
        case "read":
            return _reads(task.workspace)
        case "none":
            return Turn(text=f"{_NO_MODEL} None of its tools reaches the workspace, so nothing was done.")


def _has(task: AgentTask, tool: str) -> bool:
    """Whether the run's tools include one; a rule narrows a tool to what this script does not do."""
    return not task.allowed_tools or tool in task.allowed_tools


def _fresh_name(workspace: Path) -> str:
    """A name that nothing in the workspace has yet."""
    name, number = f"{_STEM}.py", 1
    while (workspace / name).exists() or (workspace / name).is_symlink():
        number += 1
        name = f"{_STEM}_{number}.py"
    return name


def _writes(name: str, *, runs: bool, writes: bool) -> Turn:
    run = Run((sys.executable, "-B", name), shown=f"{Path(sys.executable).name} -B {name}")
    steps: list[Step] = [Think("First I look at what is there, so that nothing is overwritten."), Glob("*")]
    if writes:
        steps += [Decide(f"a small program in a new file, {name}"), Write(name, _PROGRAM)]
    if writes and runs:
        steps += [Think("Whether it is right is seen by running it."), run]

    def answer(played: Played) -> str:
        if not played.files:
            why = "; ".join(outcome.output for outcome in played.failures) or "none of its tools writes whole files"
            return f"Nothing was written: {why}.\n\n{_NO_MODEL}"
        if not played.commands:
            return f"I wrote `{name}`, and did not run it: none of its tools may.\n\n{_NO_MODEL}"
        printed = played.commands[-1].output.split("\n")
        right = played.commands[-1].ok and [line.strip() for line in printed if line.strip()] == _EXPECTED
        outcome = "printed the right temperatures" if right else f"did not print what it should: {printed}"
        return f"I wrote `{name}` and ran it with `{run.shown}`: it {outcome}.\n\n{_NO_MODEL}"

    return Turn(steps=tuple(steps), text=answer)


def _reads(workspace: Path) -> Turn:
    first = min((path.name for path in workspace.iterdir() if path.is_file()), default="")
    reading: tuple[Step, ...] = (Read(first),) if first else ()

    def answer(played: Played) -> str:
        names = played.outcomes[0].output.splitlines() if played.outcomes[0].ok else []
        found = [] if names == ["No files found"] else names
        read = [outcome for outcome in played.outcomes[1:] if outcome.ok]
        lines = f" `{first}` has {len(read[0].output.splitlines())} lines." if read else ""
        return f"There are {len(found)} files at the top of the workspace.{lines}\n\n{_NO_MODEL}"

    return Turn(steps=(Think("I may only read, so I look at what is there."), Glob("*"), *reading), text=answer)
