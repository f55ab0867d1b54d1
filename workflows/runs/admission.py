"""What every event goes through before it enters a log: secrets are masked, large values cut and kept as artifacts."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from typing import TypeVar

from workflows.runs.events import EventBody, Truncation
from workflows.runs.json_strings import map_strings
from workflows.runs.log import Artifact
from workflows.runs.redaction import Redactor

LONGEST_VALUE = 4000
"""Characters a single value of an event may have; longer ones are cut."""
KEPT_OF_LONG_VALUE = 2000
"""Characters that are left of a value that was cut."""

CUT_VALUE = "cut-"
"""How the names of artifacts begin that are whole values of events, not something an agent has made."""

BodyT = TypeVar("BodyT", bound=EventBody)


class Admission:
    """The door into one run's log.

    Args:
        run_id: The run.
        redactor: Masks secrets.
        save_artifact: Keeps what was cut.
    """

    def __init__(self, run_id: str, redactor: Redactor, save_artifact: Callable[[Artifact], None]) -> None:
        self._run_id = run_id
        self._redactor = redactor
        self._save_artifact = save_artifact

    def admit(self, body: BodyT) -> tuple[BodyT, tuple[Truncation, ...]]:
        """The body as it may enter the log, and what was cut from it."""
        truncated: list[Truncation] = []

        def change(text: str, path: str) -> str:
            text = self._redactor.redact(text)
            if len(text) <= LONGEST_VALUE:
                return text
            truncated.append(self._keep(text, path))
            return text[:KEPT_OF_LONG_VALUE] + "…"

        changed = {
            field.name: map_strings(value, change, field.name)
            for field in fields(body)
            if field.name not in _OUR_OWN and not isinstance(value := getattr(body, field.name), bool | int | float)
        }
        return replace(body, **changed), tuple(truncated)

    def artifact(self, name: str, media_type: str, text: str) -> str:
        """Keep a text as an artifact, secrets masked.

        Returns:
            Its URI.
        """
        body = self._redactor.redact(text).encode(errors="replace")
        self._save_artifact(Artifact(name=name, media_type=media_type, body=body))
        return artifact_uri(self._run_id, name)

    def _keep(self, text: str, path: str) -> Truncation:
        body = text.encode(errors="replace")
        name = f"{CUT_VALUE}{hashlib.sha256(body).hexdigest()[:16]}.txt"  # the same value twice is one artifact
        self._save_artifact(Artifact(name=name, media_type="text/plain", body=body))
        return Truncation(field=path, uri=artifact_uri(self._run_id, name), bytes=len(body))


_OUR_OWN = frozenset({"type", "stages", "call_id"})
"""Fields whose values this program makes itself."""


def artifact_uri(run_id: str, name: str) -> str:
    """Where an artifact is found."""
    return f"runs://{run_id}/artifacts/{name}"
