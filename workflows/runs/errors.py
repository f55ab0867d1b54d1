"""Why a run could not be started, found, written or continued, drawn once below.

RunError                     the root: kind, blame, recovery
├── InputRejected            an argument: which, what is wrong with it, what would be right
├── WorkflowNotFound
├── RunNotFound
├── WorkflowBroken           the workflow itself: its graph cannot be loaded, or ended without its output
├── IsolationUnavailable     it cannot work in a work tree of its own, and was asked to
├── StepLimitReached         the graph went round too often
├── NotEndedYet              it was asked to end and is still there
├── RunNotWaiting            it was answered, and waits for no answer
├── RunNotResumable          it was to be resumed, steered or forked, and cannot be
├── ContinuationRefused      a person did not let the graph go on from its breakpoint
├── RunTakenOver             another writer has the run now
└── LogUnavailable           the log cannot be read or written
    └── LogTooNew            a newer version of this program wrote it
"""

from typing import ClassVar, Literal, TypeAlias

Blame: TypeAlias = Literal["caller", "setup", "provider", "agent", "server", "workflow"]
"""As in `agents.errors`, and `workflow`: the workflow's own code, which its author has to mend."""


class RunError(Exception):
    """Something about runs went wrong.

    Attributes:
        kind: Stable machine name.
        blame: Whose fault it is.
        message: What happened.
        recovery: What helps, most useful first.
    """

    kind: ClassVar[str] = "run_error"
    blame: ClassVar[Blame] = "server"

    def __init__(self, message: str, *, recovery: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.recovery = recovery


class InputRejected(RunError):
    """An argument cannot be used.

    Attributes:
        field: Which, for example `workspace`.
    """

    kind = "invalid_input"
    blame = "caller"

    def __init__(self, field: str, message: str, *, recovery: tuple[str, ...] = ()) -> None:
        super().__init__(message, recovery=recovery)
        self.field = field


class WorkflowNotFound(RunError):
    """There is no workflow of that name."""

    kind = "workflow_not_found"
    blame = "caller"


class RunNotFound(RunError):
    """There is no such run, or it is somebody else's."""

    kind = "run_not_found"
    blame = "caller"


class WorkflowBroken(RunError):
    """The workflow's graph cannot be loaded, raised, or ended without the output it promises."""

    kind = "workflow_broken"
    blame = "workflow"


class IsolationUnavailable(RunError):
    """The run cannot work in a work tree of its own, and nothing else will do."""

    kind = "isolation_unavailable"
    blame = "caller"


class StepLimitReached(RunError):
    """The graph was still going round after as many steps as its workflow allows."""

    kind = "step_limit_reached"
    blame = "agent"


class NotEndedYet(RunError):
    """The run was asked to end, and has not ended within the time one waits for that."""

    kind = "not_ended_yet"


class RunNotWaiting(RunError):
    """An answer was given to a run that does not wait for it: it never asked, or was answered before."""

    kind = "run_not_waiting"
    blame = "caller"


class RunNotResumable(RunError):
    """The run cannot be gone on with: it is over, or what it would need is gone."""

    kind = "run_not_resumable"
    blame = "caller"


class ContinuationRefused(RunError):
    """A person was asked at a breakpoint of the graph, and did not let it go on."""

    kind = "continuation_refused"
    blame = "caller"


class RunTakenOver(RunError):
    """Another writer has opened the run; this one can store nothing more and must stop."""

    kind = "run_taken_over"


class LogUnavailable(RunError):
    """The log cannot be read or written: directory missing or read-only, disk full, database damaged.

    Attributes:
        passing: True if it can be expected to work again without anybody touching the log: the disk is full, or the
            database is locked.
    """

    kind = "log_unavailable"
    blame = "setup"

    def __init__(self, message: str, *, recovery: tuple[str, ...] = (), passing: bool = False) -> None:
        super().__init__(message, recovery=recovery)
        self.passing = passing


class LogTooNew(LogUnavailable):
    """The database was written by a newer version of this program.

    Attributes:
        found: Version in the database.
        known: Newest version this program knows.
    """

    kind = "log_too_new"

    def __init__(self, message: str, *, found: int, known: int, recovery: tuple[str, ...] = ()) -> None:
        super().__init__(message, recovery=recovery)
        self.found = found
        self.known = known


def shutting_down() -> LogUnavailable:
    """Why nothing is begun any more."""
    return LogUnavailable(
        "The server is shutting down; no run can be started or gone on with.",
        recovery=("Ask again in a moment: another server, or the same one anew, takes it",),
    )
