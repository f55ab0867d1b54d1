"""Names of runs: an id nobody can guess, and a key that the same call always has."""

import hashlib
import json
import secrets

from workflows.runs.events import Json


def new_run_id() -> str:
    """20 lower-case hexadecimal characters, 80 bits of chance."""
    return secrets.token_hex(10)


def idempotency_key(workflow: str, input: Json, workspace: str, *, offline: bool) -> str:
    """The same for the same workflow, input and workspace, whatever the order of the input's fields.

    A run with scripted agents is another one than a run with models: whoever pays for models must never be handed
    what a script has played.
    """
    canonical = json.dumps([workflow, dict(input), workspace, offline], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
