"""Events as JSON: the same object in the log, over the wire and in files.

One flat object: `run_id`, `seq`, `time`, `type`, `message`, `progress`, then the body's own fields, then `truncated`
where something was cut.

What another version of this program wrote:

* A field this version does not know is passed over; a field that is missing takes its default, if it has one.
* A type this version does not know is an error that says so. It is never passed over: whoever reads a log relies on
  its numbers having no gap.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, cast, get_args

import msgspec
import orjson

from workflows.runs.errors import LogUnavailable
from workflows.runs.events import EventBody, RunEvent, StageInfo, Truncation, WorkflowStarted
from workflows.runs.plain_json import plain_json, whole_text

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
"""What is no plain JSON is refused, rather than stored as something else than it was."""

_BODIES: dict[str, type[Any]] = {}
_FIELDS: dict[type[Any], tuple[str, ...]] = {}
_TUPLES = frozenset({"stages", "recovery", "next"})
"""Fields of bodies that are sequences in Python."""

for _body in cast("tuple[type[Any], ...]", get_args(EventBody)):
    _names = {field.name: field.default for field in fields(_body)}
    _BODIES[cast("str", _names.pop("type"))] = _body
    _FIELDS[_body] = tuple(_names)
KNOWN_TYPES = frozenset(_BODIES)
"""The types of events that this version knows."""
_SEQUENCES = {body: tuple(name for name in names if name in _TUPLES) for body, names in _FIELDS.items()}


def to_json_object(event: RunEvent) -> dict[str, object]:
    """The event as one flat JSON object."""
    body = event.body
    entry: dict[str, object] = {
        "run_id": event.run_id,
        "seq": event.seq,
        "time": event.time,
        "type": body.type,
        "message": event.message,
        "progress": event.progress,
    }
    for name in _FIELDS[type(body)]:
        entry[name] = getattr(body, name)
    if isinstance(body, WorkflowStarted):
        entry["stages"] = [{"name": stage.name, "title": stage.title} for stage in body.stages]
    if event.truncated:
        entry["truncated"] = [{"field": cut.field, "uri": cut.uri, "bytes": cut.bytes} for cut in event.truncated]
    return entry


def encode(event: RunEvent) -> bytes:
    """The event as JSON text, one line, UTF-8.

    Raises:
        TypeError: A value is no plain JSON, or a text is no valid Unicode; `storable` mends both.
    """
    return orjson.dumps(to_json_object(event), option=_STRICT)


def decode(data: bytes | str) -> RunEvent:
    """The event that `encode` was given; lists where it had tuples below its own fields.

    Raises:
        workflows.runs.errors.LogUnavailable: The text is no event, or one of a type this version does not know.
    """
    try:
        entry = cast("object", orjson.loads(data))
    except orjson.JSONDecodeError as error:
        raise _damaged(f"it is no JSON ({error})") from error
    if not isinstance(entry, dict):
        raise _damaged("it is no JSON object")
    return from_json_object(cast("dict[str, Any]", entry))


def from_json_object(entry: Mapping[str, Any]) -> RunEvent:
    """The event that `to_json_object` was given.

    Raises:
        workflows.runs.errors.LogUnavailable: As in `decode`.
    """
    try:
        return RunEvent(
            run_id=entry["run_id"],
            seq=entry["seq"],
            time=entry["time"],
            message=entry["message"],
            progress=entry["progress"],
            body=_body_of(entry),
            truncated=tuple(_truncation(cut) for cut in entry["truncated"]) if "truncated" in entry else (),
        )
    except KeyError as error:
        raise _damaged(f"it has no {error}") from error
    except TypeError as error:
        raise _damaged(str(error)) from error


def storable(event: RunEvent) -> RunEvent:
    """The event with everything replaced that JSON cannot hold, see `workflows.runs.plain_json`."""
    body = event.body
    values = {name: plain_json(getattr(body, name)) for name in _FIELDS[type(body)] if name != "stages"}
    for name in _TUPLES & values.keys():
        values[name] = tuple(cast("list[object]", values[name]))
    whole = replace(body, **cast("dict[str, Any]", values))
    return msgspec.structs.replace(event, message=whole_text(event.message), body=whole)


def _body_of(entry: Mapping[str, Any]) -> EventBody:
    body = _BODIES.get(entry["type"])
    if body is None:
        raise LogUnavailable(
            f"The log has an event of type {entry['type']!r}, which this version does not know; "
            "a newer version of this program wrote it.",
            recovery=("Upgrade: pip install --upgrade agent-workflows-mcp",),
        )
    names = _FIELDS[body]
    try:
        values = {name: entry[name] for name in names}
    except KeyError:  # of another version; to ask for each whether it is there would cost all others a fifth more
        values = {name: entry[name] for name in names if name in entry}
    for name in _SEQUENCES[body]:
        if name in values:
            values[name] = tuple(values[name])
    if "stages" in values:
        values["stages"] = tuple(StageInfo(name=stage["name"], title=stage["title"]) for stage in values["stages"])
    return cast("EventBody", body(**values))


def _truncation(cut: Mapping[str, Any]) -> Truncation:
    return Truncation(field=cut["field"], uri=cut["uri"], bytes=cut["bytes"])


def _damaged(problem: str) -> LogUnavailable:
    return LogUnavailable(
        f"The log has an entry that cannot be read: {problem}.",
        recovery=("Restore the data directory from a backup, or set AGENT_WORKFLOWS_HOME to another directory",),
    )
