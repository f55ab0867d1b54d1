"""What the requests of the Tasks extension carry."""

from typing import Any

from mcp_types import RequestParams as TaskRequestParams
from pydantic import ConfigDict, Field


class TaskParams(TaskRequestParams):
    """Which task is meant."""

    model_config = ConfigDict(populate_by_name=True)

    task_id: str = Field(alias="taskId")


class TaskUpdateParams(TaskParams):
    """Answers to a task's questions, by their keys."""

    input_responses: dict[str, Any] = Field(alias="inputResponses")
