"""Errors over HTTP: `application/problem+json` (RFC 9457) with the same kind, message and recovery as the tools."""

from collections.abc import Mapping, Sequence

import orjson
from pydantic import BaseModel, Field
from starlette.responses import Response

from workflows.runs.errors import Blame, InputRejected, RunError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:agent-workflows:problem:"
"""Followed by the kind, this is the problem's `type`."""

_STATUS_OF_KIND: Mapping[str, int] = {
    "invalid_input": 422,
    "workflow_not_found": 422,
    "run_not_found": 404,
    "not_ended_yet": 504,
    "run_taken_over": 409,
    "log_unavailable": 503,
    "log_too_new": 503,
}
_STATUS_OF_BLAME: Mapping[Blame, int] = {
    "caller": 409,
    "setup": 503,
    "provider": 502,
    "agent": 500,
    "server": 500,
    "workflow": 500,
}
"""For kinds that are not listed above."""

_TITLES: Mapping[int, str] = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "There is no such thing",
    405: "Not this way",
    406: "Not in this form",
    408: "The request came too slowly",
    409: "Not as things stand",
    413: "The request is too large",
    415: "Not in this form",
    416: "There is no such part",
    421: "Not this server",
    422: "The input cannot be used",
    429: "Too much at once",
    431: "The request's head is too large",
    500: "A mistake of this server",
    502: "The provider failed",
    503: "Not at the moment",
    504: "Not in time",
}


class Problem(Exception):
    """Why a request was refused or failed.

    Attributes:
        status: The HTTP status.
        kind: Stable machine name.
        message: What happened; names the field and its value's problem where there is one.
        recovery: What helps, most useful first.
        blame: Whose fault it is.
        field: The argument, header or parameter at fault; empty where it is none.
        headers: Further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        message: str,
        *,
        recovery: Sequence[str] = (),
        blame: Blame = "caller",
        field: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.message = message
        self.recovery = tuple(recovery)
        self.blame: Blame = blame
        self.field = field
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: RunError) -> "Problem":
        """An error about runs as a problem."""
        status = _STATUS_OF_KIND.get(error.kind, _STATUS_OF_BLAME[error.blame])
        return cls(
            status,
            error.kind,
            error.message,
            recovery=error.recovery,
            blame=error.blame,
            field=error.field if isinstance(error, InputRejected) else "",
            headers={"retry-after": "1"} if status == 503 else {},
        )

    def body(self) -> bytes:
        """The JSON object that is sent."""
        return orjson.dumps(self.json())

    def json(self) -> dict[str, object]:
        """The members of the JSON object."""
        members: dict[str, object] = {
            "type": TYPE_PREFIX + self.kind,
            "title": _TITLES.get(self.status, "The request failed"),
            "status": self.status,
            "detail": self.message,
            "kind": self.kind,
            "message": self.message,
            "recovery": list(self.recovery),
            "blame": self.blame,
        }
        if self.field:
            members["field"] = self.field
        return members

    def response(self) -> Response:
        """The answer."""
        return Response(self.body(), self.status, headers=dict(self.headers), media_type=MEDIA_TYPE)


class ProblemView(BaseModel):
    """An error (RFC 9457), with the same kind, message and recovery as the tools."""

    type: str
    title: str
    status: int
    detail: str
    kind: str = Field(description="Stable machine name.")
    message: str
    recovery: list[str] = Field(description="What helps, most useful first.")
    blame: str
    field: str | None = Field(default=None, description="The argument, header or parameter at fault.")


def not_found(what: str) -> Problem:
    """There is nothing under this name, or it is somebody else's."""
    return Problem(404, "not_found", f"There is no {what}.", recovery=("/api/openapi.json lists the routes",))
