"""Watches which sources a researcher opens, and how that comes out."""

from agents.events import AgentSaid, Details, ToolEnded, ToolStarted
from workflows.observed.witness import Witness
from workflows.reports import Say
from workflows.research.notes import Opened

_PLACES = {"WebFetch": "url", "Read": "file_path"}
"""By which argument a tool names the source it opens."""
_NOT_FETCHED = ("REDIRECT DETECTED",)
"""How the output of a `WebFetch` begins that succeeded without fetching anything: Claude's, at a redirect to another
host."""
_PROBLEM_CHARACTERS = 300


class SourceWitness(Witness):
    """Notes what a researcher opens.

    Args:
        say: The node's stream writer.
        workspace: Directory to which paths are noted relative.
    """

    def __init__(self, say: Say, workspace: str) -> None:
        super().__init__(say)
        self._workspace = workspace
        self._opening: dict[str, str] = {}
        self._opened: list[Opened] = []

    @property
    def opened(self) -> list[Opened]:
        """What was opened, or tried to, in the order it came out."""
        return list(self._opened)

    def _note(self, said: AgentSaid) -> None:
        match said:
            case ToolStarted(tool=tool, call_id=call_id, input=arguments) if place := self._place(tool, arguments):
                self._opening[call_id] = place
            case ToolEnded(call_id=call_id, ok=ok, output=output) if call_id in self._opening:
                fetched = ok and not output.lstrip().startswith(_NOT_FETCHED)
                problem = "" if fetched else output.strip()[:_PROBLEM_CHARACTERS] or "it could not be opened"
                self._opened.append(Opened(place=self._opening.pop(call_id), problem=problem))
            case _:
                pass

    def _place(self, tool: str, arguments: Details) -> str:
        place = arguments.get(_PLACES.get(tool, ""))
        return relative_place(place, self._workspace) if isinstance(place, str) else ""


def relative_place(place: str, workspace: str) -> str:
    """A place as it is kept: a path below the workspace relative to it, anything else as it is.

    Args:
        place: An address or a path.
        workspace: Absolute directory.
    """
    place = place.strip()
    for separator in "/\\":
        place = place.removeprefix(workspace.rstrip("/\\") + separator)
    return place
