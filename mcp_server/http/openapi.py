"""The API's OpenAPI 3.1 document, made of its routes: it cannot say anything else than what is served."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from mcp_server.http.problem import MEDIA_TYPE, ProblemView
from mcp_server.http.routes import Content, Operation, Parameter
from mcp_server.introduction import own_version

EVERYWHERE = (401, 403, 421, 429, 503)
"""Statuses with which the guard can refuse any request, and 503 of a server that ends."""

Json = dict[str, Any]


def document(operations: Sequence[Operation]) -> Json:
    """The document.

    Args:
        operations: All of the API.
    """
    schemas, definitions = _schemas(operations)
    paths: Json = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Agent workflows",
            "version": own_version(),
            "description": "Start whole multi-agent workflows, and watch them work.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _operation(operation: Operation, schemas: "_Schemas") -> Json:
    described: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [_parameter(one) for one in operation.parameters] + _query(operation.query),
        "responses": {
            **{str(status): _answer(contents, schemas) for status, contents in operation.answers.items()},
            **{
                str(status): _problem(schemas)
                for status in sorted({*operation.problems, *EVERYWHERE} - {*operation.answers})
            },
        },
    }
    if operation.body is not None:
        described["requestBody"] = {
            "required": any(field.is_required() for field in operation.body.model_fields.values()),
            "content": {"application/json": {"schema": schemas.of(operation.body, "validation")}},
        }
    return described


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _query(model: type[BaseModel] | None) -> list[Json]:
    if model is None:
        return []
    properties = cast("Json", model.model_json_schema()["properties"])
    return [
        {
            "name": name,
            "in": "query",
            "required": model.model_fields[name].is_required(),
            "description": schema.get("description", ""),
            "schema": _given(schema),
        }
        for name, schema in properties.items()
    ]


def _given(schema: Json) -> Json:
    """The schema of a parameter that is given: in a query, null is written by leaving it out."""
    others = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "default", "title", "description"}}
    return {**kept, **(others[0] if others else {})}


def _answer(contents: Sequence[Content], schemas: "_Schemas") -> Json:
    if not contents:
        return {"description": "There is nothing more to tell."}
    return {
        "description": " Or: ".join(content.description for content in contents),
        "content": {
            content.media_type: {"schema": schemas.of(content.model, "serialization")} if content.model else {}
            for content in contents
        },
    }


def _problem(schemas: "_Schemas") -> Json:
    return {"description": "An error.", "content": {MEDIA_TYPE: {"schema": schemas.of(ProblemView, "serialization")}}}


class _Schemas:
    """References to the models' schemas.

    Args:
        references: By model and mode.
    """

    def __init__(self, references: Mapping[Any, Json]) -> None:
        self._references = references

    def of(self, model: type[BaseModel], mode: Literal["validation", "serialization"]) -> Json:
        return self._references[model, mode]


def _schemas(operations: Sequence[Operation]) -> tuple[_Schemas, Json]:
    models: dict[tuple[type[BaseModel], Any], None] = {(ProblemView, "serialization"): None}
    for operation in operations:
        if operation.body is not None:
            models[operation.body, "validation"] = None
        for contents in operation.answers.values():
            models.update({(content.model, "serialization"): None for content in contents if content.model})
    references, whole = models_json_schema(list(models), ref_template="#/components/schemas/{model}")
    return _Schemas(references), whole.get("$defs", {})
