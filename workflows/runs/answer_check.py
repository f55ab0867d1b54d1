"""Whether an answer fits the schema of its question.

A module of its own, because few runs ever ask, and the library takes a twentieth of a second and some memory of every
server that loads it.
"""

from typing import Any, cast

from jsonschema.exceptions import SchemaError
from jsonschema.exceptions import ValidationError as SchemaViolation
from jsonschema.validators import validator_for

from workflows.runs.errors import InputRejected
from workflows.runs.run import Gate


def check_answer(gate: Gate, answer: object) -> None:
    """See that an answer fits its question.

    Raises:
        InputRejected: It does not.
    """
    schema = dict(gate.schema)
    validator = validator_for(schema)(schema)
    try:
        validator.validate(cast("Any", answer))
    except SchemaViolation as error:
        where = ".".join(map(str, error.absolute_path))
        raise InputRejected(
            "answer",
            f"answer{f'.{where}' if where else ''}: {error.message}",
            recovery=(f"The answer must fit this JSON schema: {schema}", "The question stays open: answer again"),
        ) from error
    except SchemaError:
        return  # the workflow's own schema is no schema: its node has to judge
