"""Workflows as the API shows them."""

from pydantic import BaseModel, Field

from workflows.workflow import Workflow


class StageView(BaseModel):
    """A part of a workflow that people watch."""

    name: str
    title: str
    share: float = Field(description="Its usual share of the run's time; shares are relative to each other.")


class WorkflowView(BaseModel):
    """A workflow that can be run."""

    name: str
    title: str
    description: str
    writes: bool = Field(description="Whether its agents may change files in the workspace.")
    stages: list[StageView]
    input_schema: dict[str, object] = Field(description="JSON Schema of `input`.")
    output_schema: dict[str, object] = Field(description="JSON Schema of a run's `result`.")
    graph: str = Field(description="Where its graph is, as a Mermaid diagram.")


class WorkflowListView(BaseModel):
    """What can be run."""

    workflows: list[WorkflowView]


def workflow_view(workflow: Workflow) -> WorkflowView:
    """A workflow that can be run."""
    return WorkflowView(
        name=workflow.name,
        title=workflow.title,
        description=workflow.description,
        writes=workflow.writes,
        stages=[StageView(name=stage.name, title=stage.title, share=stage.share) for stage in workflow.stages],
        input_schema=workflow.input_model.model_json_schema(),
        output_schema=workflow.output_model.model_json_schema(mode="serialization"),
        graph=f"/api/workflows/{workflow.name}/graph",
    )
