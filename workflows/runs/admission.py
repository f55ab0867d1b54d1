"""What every event goes through before it enters a log.

It becomes plain JSON, secrets are masked (in keys too), large values are cut and kept whole as artifacts, and what is
still too large as a whole keeps an excerpt of its largest fields.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TypeVar, cast

import orjson

from workflows.runs.events import EventBody, TokenStream, Truncation, WorkflowCompleted
from workflows.runs.excerpts import excerpt, size_of
from workflows.runs.json_strings import map_strings
from workflows.runs.log import Artifact, EventLog
from workflows.runs.redaction import Redactor

LONGEST_VALUE = 4000
"""Characters a single value of an event may have; longer ones are cut."""
KEPT_OF_LONG_VALUE = 2000
"""Characters that are left of a value that was cut."""
LARGEST_EVENT = 60_000
"""Bytes of JSON the fields of an event may have, so that the whole of it stays below 64 kB."""
KEPT_OF_LARGE_FIELD = 4000
"""Bytes of JSON, about, that are left of a field that was too large."""
LARGEST_OUTPUT = 30_000
"""Characters of JSON that a run's result and final response may have together before they are cut."""

CUT_VALUE = "cut-"
"""How the names of artifacts begin that are whole values of events, not something an agent has made."""
RESULT = "result.json"
"""Name of the artifact that is a run's whole result, kept where the run's row has only a part of it."""

BodyT = TypeVar("BodyT", bound=EventBody)


@dataclass(frozen=True, slots=True)
class _Cut:
    """A value that does not enter whole.

    Attributes:
        path: Where it is in the event.
        whole: All of it, as text.
        suffix: Of its artifact's name.
        media_type: Of its artifact.
    """

    path: str
    whole: str
    suffix: str = "txt"
    media_type: str = "text/plain"


class Admission:
    """The door into one run's log.

    Args:
        run_id: The run.
        redactor: Masks secrets.
        save_artifact: Keeps what was cut.
        made: What the run has made before it came to this process, from `made_before`.
    """

    def __init__(
        self,
        run_id: str,
        redactor: Redactor,
        save_artifact: Callable[[Artifact], None],
        made: Mapping[str, bytes] | None = None,
    ) -> None:
        self._run_id = run_id
        self._redactor = redactor
        self._save_artifact = save_artifact
        self._made = dict(made or {})
        """Digest of every artifact an agent has made, by name."""

    def admit(self, body: BodyT) -> tuple[BodyT, tuple[Truncation, ...]]:
        """The body as it may enter the log, and what was cut from it."""
        values = {field.name: getattr(body, field.name) for field in fields(body) if field.name not in _OUR_OWN}
        masked = {
            name: value if isinstance(value, bool | int | float | None) else self._redactor.redact_json(value)
            for name, value in values.items()
        }
        if isinstance(body, WorkflowCompleted):
            fitted, truncated = self._output(masked)
        else:
            fitted, cuts = _fitted(masked, is_small=isinstance(body, TokenStream))
            truncated = tuple(self._kept(cut) for cut in cuts)
        return cast("BodyT", replace(body, **fitted)), truncated

    def artifact(self, name: str, media_type: str, text: str) -> tuple[str, str]:
        """Keep a text as an artifact, secrets masked.

        Nothing an agent has made is ever replaced: another text under the same name is kept beside the first one, as
        `name-2.md`. Characters that cannot be in a name become `-`.

        Returns:
            The name it is kept under, and its URI.
        """
        body = self._redactor.redact(text).encode(errors="replace")
        digest = _digest(body)
        name = self._free_name(name, digest)
        self._save_artifact(Artifact(name=name, media_type=media_type, body=body))
        self._made[name] = digest
        return name, artifact_uri(self._run_id, name)

    def _free_name(self, name: str, digest: bytes) -> str:
        name = re.sub(r"[^A-Za-z0-9._-]", "-", self._redactor.redact(name))[:_LONGEST_NAME].lstrip(".") or "artifact"
        stem, dot, ending = name.rpartition(".")
        number, free = 1, name
        while self._made.get(free, digest) != digest:
            number += 1
            free = f"{stem}-{number}.{ending}" if dot and stem else f"{name}-{number}"
        return free

    def _output(self, values: Mapping[str, object]) -> tuple[dict[str, object], tuple[Truncation, ...]]:
        """A run's end, with the whole result as long as it is not huge: the run's row is made of it."""
        for longest in (LARGEST_OUTPUT, 12_000, LONGEST_VALUE, KEPT_OF_LONG_VALUE):
            cuts: list[_Cut] = []
            fitted = {name: _shortened(value, name, cuts, longest, longest) for name, value in values.items()}
            if _fits(fitted):
                break
        else:
            cuts.append(_Cut("result", ""))
            for name in ("result", "final_response"):
                fitted[name] = excerpt(fitted[name], LARGEST_OUTPUT // 3)
        if not cuts:
            return fitted, ()
        whole = orjson.dumps(values["result"], option=orjson.OPT_INDENT_2).decode()
        _, uri = self.artifact(RESULT, "application/json", whole)
        size = len(whole.encode())
        return fitted, tuple(Truncation(field=cut.path, uri=uri, bytes=size) for cut in cuts)

    def _kept(self, cut: _Cut) -> Truncation:
        body = cut.whole.encode(errors="replace")
        # The same value twice is one artifact.
        name = f"{CUT_VALUE}{hashlib.sha256(body).hexdigest()[:16]}.{cut.suffix}"
        self._save_artifact(Artifact(name=name, media_type=cut.media_type, body=body))
        return Truncation(field=cut.path, uri=artifact_uri(self._run_id, name), bytes=len(body))


_OUR_OWN = frozenset({"type", "stages"})
"""Fields whose values this program makes itself."""
_LONGEST_NAME = 100


async def made_before(log: EventLog, run_id: str) -> dict[str, bytes]:
    """Digest of every artifact the agents of a run have made so far, by name.

    Args:
        log: Where the run is kept.
        run_id: The run.

    Raises:
        workflows.runs.errors.LogUnavailable: It cannot be read.
    """
    made: dict[str, bytes] = {}
    for info in await log.artifacts(run_id):
        if info.name.startswith(CUT_VALUE):  # named after its text, so another text never has its name
            continue
        artifact = await log.artifact(run_id, info.name)
        if artifact is not None:
            made[artifact.name] = _digest(artifact.body)
    return made


def artifact_uri(run_id: str, name: str) -> str:
    """Where an artifact is found."""
    return f"runs://{run_id}/artifacts/{name}"


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _fits(values: Mapping[str, object]) -> bool:
    output = orjson.dumps([values["result"], values["final_response"]])
    return len(output.decode()) <= LARGEST_OUTPUT and size_of(values) <= LARGEST_EVENT


def _fitted(values: Mapping[str, object], *, is_small: bool) -> tuple[dict[str, object], list[_Cut]]:
    cuts: list[_Cut] = []
    fitted = {name: _shortened(value, name, cuts, LONGEST_VALUE, KEPT_OF_LONG_VALUE) for name, value in values.items()}
    if is_small or size_of(fitted) + 200 * len(cuts) <= LARGEST_EVENT:
        return fitted, cuts
    for name in sorted(values, key=lambda name: size_of(values[name]), reverse=True):
        if size_of(values[name]) <= KEPT_OF_LARGE_FIELD:
            break
        cuts = [cut for cut in cuts if not cut.path.startswith((f"{name}.", f"{name}["))]
        cuts.append(_Cut(name, orjson.dumps(values[name]).decode(), "json", "application/json"))
        fitted[name] = excerpt(fitted[name], KEPT_OF_LARGE_FIELD)
        if size_of(fitted) + 200 * len(cuts) <= LARGEST_EVENT:
            break
    return fitted, cuts


def _shortened(value: object, path: str, cuts: list[_Cut], longest: int, kept: int) -> object:
    def change(text: str, path: str) -> str:
        if len(text) <= longest:
            return text
        cuts.append(_Cut(path, text))
        return text[:kept] + "…"

    return map_strings(value, change, path)
