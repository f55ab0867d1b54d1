"""The tools of a scripted agent: they really read, write and run, and stay in the workspace."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

import anyio.to_thread

from agents.access import Access
from agents.command_runner import CommandResult, RunCommand
from agents.events import Details
from agents.script import Edit, Glob, Read, Run, ToolOutcome, ToolStep, Write

READ_CHARACTERS = 100_000
"""How much of a file is read."""
LISTED_FILES = 200
"""How many files a listing names."""


class ToolFailed(Exception):
    """A tool call could not be done; its message is what the tool gives back."""


@dataclass(frozen=True, slots=True)
class Workbench:
    """Where the tools work.

    Attributes:
        workspace: Existing directory.
        access: What is allowed there.
        run_command: Runs commands.
        run_id: The run they belong to.
    """

    workspace: Path
    access: Access
    run_command: RunCommand
    run_id: str

    async def use(self, step: ToolStep) -> ToolOutcome:
        """Do it."""
        began = time.monotonic()
        try:
            match step:
                case Run():
                    return await self._run(step)
                case Glob() | Read() | Write() | Edit():
                    output = await anyio.to_thread.run_sync(self._use_files, step)
                    return ToolOutcome(step=step, ok=True, output=output, seconds=time.monotonic() - began)
                case _:
                    assert_never(step)
        except (
            ToolFailed,
            OSError,
            ValueError,
            NotImplementedError,
        ) as error:  # the last two: no such pattern, no text
            return ToolOutcome(step=step, ok=False, output=str(error), seconds=time.monotonic() - began)

    async def _run(self, step: Run) -> ToolOutcome:
        self._need("write")
        result = await self.run_command(step.argv, self.workspace, run_id=self.run_id, max_seconds=step.max_seconds)
        return ToolOutcome(step=step, ok=result.ok, output=_told(result), seconds=result.seconds)

    def _use_files(self, step: Glob | Read | Write | Edit) -> str:
        match step:
            case Glob():
                return self._list(step)
            case Read():
                self._need("read")
                return self._inside(step.path).read_text("utf-8")[:READ_CHARACTERS]
            case Write():
                return self._write(step)
            case Edit():
                return self._edit(step)
            case _:
                assert_never(step)

    def _list(self, step: Glob) -> str:
        self._need("read")
        found = sorted(path for path in self.workspace.glob(step.pattern) if path.is_file())
        names = [path.relative_to(self.workspace).as_posix() for path in found[:LISTED_FILES]]
        if len(found) > LISTED_FILES:
            names.append(f"... and {len(found) - LISTED_FILES} more")
        return "\n".join(names) or "No files found"

    def _write(self, step: Write) -> str:
        self._need("write")
        path = self._inside(step.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(step.text)
        except FileExistsError as error:
            raise ToolFailed(f"{step.path} exists already and was left as it is") from error
        return f"Wrote {step.path}: {len(step.text.splitlines())} lines"

    def _edit(self, step: Edit) -> str:
        self._need("write")
        path = self._inside(step.path)
        text = path.read_text("utf-8")
        places = text.count(step.old)
        if places != 1:
            raise ToolFailed(f"{step.path} was left as it is: the text to replace is there {places} times, not once")
        path.write_text(text.replace(step.old, step.new), "utf-8", newline="\n")
        return f"Edited {step.path}"

    def _need(self, access: Access) -> None:
        if self.access != access and self.access != "write":
            raise ToolFailed(f"denied: this role's access to the workspace is {self.access!r}")

    def _inside(self, path: str) -> Path:
        root = self.workspace.resolve()
        whole = (root / path).resolve()  # follows links, so that none leads outside
        if not whole.is_relative_to(root):
            raise ToolFailed(f"denied: {path} is outside the workspace")
        return whole


def tool_of(step: ToolStep, workspace: Path) -> tuple[str, Details]:
    """The name and the arguments with which a call is reported."""
    match step:
        case Glob(pattern=pattern):
            return "Glob", {"pattern": pattern}
        case Read(path=path):
            return "Read", {"file_path": str(workspace / path)}
        case Write(path=path, text=text):
            return "Write", {"file_path": str(workspace / path), "content": text}
        case Edit(path=path, old=old, new=new):
            return "Edit", {"file_path": str(workspace / path), "old_string": old, "new_string": new}
        case Run():
            return "Bash", {"command": shown(step)}
        case _:
            assert_never(step)


def shown(step: Run) -> str:
    """A command as people read it."""
    return step.shown or shlex.join(step.argv)


def _told(result: CommandResult) -> str:
    if result.timed_out:
        return f"{result.output}\nEnded after {result.seconds:.1f} s: it took too long".strip()
    if result.exit_code:
        return f"{result.output}\nExit code {result.exit_code}".strip()
    return result.output
