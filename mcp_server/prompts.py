"""One prompt per workflow: what a person picks to have it run."""

from collections.abc import Mapping

from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from workflows.catalog import Catalog
from workflows.workflow import Workflow


def listed_prompts(catalog: Catalog) -> list[Prompt]:
    """The prompts as clients list them; their arguments are the workflow's own input."""
    return [
        Prompt(
            name=workflow.name,
            title=workflow.title,
            description=workflow.description,
            arguments=[
                PromptArgument(name=name, description=field.description, required=field.is_required())
                for name, field in workflow.input_model.model_fields.items()
            ],
        )
        for workflow in catalog.workflows
    ]


def filled_prompt(catalog: Catalog, name: str, arguments: Mapping[str, str]) -> GetPromptResult:
    """A prompt with its arguments filled in.

    Raises:
        MCPError: There is no such prompt, or an argument is missing or unknown.
    """
    workflow = next((known for known in catalog.workflows if known.name == name), None)
    if workflow is None:
        raise MCPError(code=INVALID_PARAMS, message=f"There is no prompt {name!r}.")
    _check(workflow, arguments)
    given = "\n".join(f"{key}: {value}" for key, value in arguments.items())
    text = f"Call the tool `{workflow.name}` with this input, and tell me what it found:\n\n{given}"
    message = PromptMessage(role="user", content=TextContent(text=text))
    return GetPromptResult(description=workflow.title, messages=[message])


def _check(workflow: Workflow, arguments: Mapping[str, str]) -> None:
    fields = workflow.input_model.model_fields
    missing = [name for name, field in fields.items() if field.is_required() and not arguments.get(name, "").strip()]
    unknown = [name for name in arguments if name not in fields]
    if missing or unknown:
        problem = [f"{name} is required" for name in missing] + [f"there is no argument {name!r}" for name in unknown]
        raise MCPError(code=INVALID_PARAMS, message=f"{workflow.name}: {'; '.join(problem)}.")
