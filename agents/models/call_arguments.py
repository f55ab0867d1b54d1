"""The arguments of a tool call, as the model wrote them."""

import orjson
from pydantic import JsonValue, TypeAdapter, ValidationError

_Object = TypeAdapter[dict[str, JsonValue]](dict[str, JsonValue])


def arguments_of(text: str) -> dict[str, JsonValue] | None:
    """Read the arguments of a call.

    Args:
        text: JSON text; empty stands for no arguments.

    Returns:
        The arguments, or None if the text is not one JSON object.
    """
    if not text.strip():
        return {}
    try:
        return _Object.validate_python(orjson.loads(text))
    except (orjson.JSONDecodeError, ValidationError):
        return None
