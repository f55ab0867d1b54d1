"""What a run has made, over HTTP: whole or in parts, and never as a page of this server.

Agents write artifacts, and models write what agents write. Opened in a browser one of them must not act as the server's
own page: it is sandboxed, its media type is never guessed, and what is no plain text or picture is offered as a file.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from mcp_server.assembly import Assembly
from mcp_server.http.principal import owner_of
from mcp_server.http.problem import Problem
from mcp_server.own_runs import own_run

_SHOWN = re.compile(r"text/(plain|markdown|x-diff|x-patch|csv)|application/(json|x-ndjson)|image/(png|jpeg|gif|webp)")
"""Media types that a browser may show; none of them can hold a script that it would run."""
_RANGE = re.compile(r"bytes=(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class _Part:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int


class ArtifactsApi:
    """Answers requests for artifacts.

    Args:
        assembly: The server's parts.
    """

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly

    async def get(self, request: Request) -> Response:
        """GET /api/runs/{run_id}/artifacts/{name}."""
        run = await own_run(self._assembly, request.path_params["run_id"], owner_of(request.scope))
        name = request.path_params["name"]
        artifact = await self._assembly.log.artifact(run.run_id, name)
        if artifact is None:
            raise Problem(
                404,
                "artifact_not_found",
                f"name: run {run.run_id} has no artifact {name[:80]!r}.",
                recovery=(f"GET /api/runs/{run.run_id} lists its artifacts",),
                field="name",
            )
        shown = _SHOWN.fullmatch(artifact.media_type.partition(";")[0].strip()) is not None
        headers = {
            "accept-ranges": "bytes",
            "cache-control": "private, no-cache",
            # The name is of letters, digits, `.`, `-` and `_`: the log takes no other.
            "content-disposition": f'{"inline" if shown else "attachment"}; filename="{artifact.name}"',
        }
        media_type = _with_charset(artifact.media_type)
        part = _asked_part(request.headers.get("range"), len(artifact.body))
        if part is None:
            return Response(artifact.body, 200, headers, media_type)
        headers["content-range"] = f"bytes {part.first}-{part.last}/{len(artifact.body)}"
        return Response(artifact.body[part.first : part.last + 1], 206, headers, media_type)


def _asked_part(header: str | None, size: int) -> _Part | None:
    """The one part that a Range header asks for; None where it asks for none, several, or in another way (RFC 9110).

    Raises:
        Problem: There is no such part.
    """
    match = _RANGE.fullmatch(header.strip()) if header else None
    if match is None or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        first, last = max(0, size - int(match["last"])), size - 1
    else:
        first, last = int(match["first"]), min(int(match["last"] or size - 1), size - 1)
        if match["last"] and int(match["last"]) < first:
            return None
    if first > last or first >= size:
        raise Problem(
            416,
            "range_not_satisfiable",
            f"Range: the artifact has {size} bytes; there is no such part of it.",
            field="Range",
            headers={"content-range": f"bytes */{size}"},
        )
    return _Part(first, last)


def _with_charset(media_type: str) -> str:
    return f"{media_type}; charset=utf-8" if media_type.startswith("text/") and ";" not in media_type else media_type
