"""A file that changed, as observed in the workspace."""

from typing import Literal

from pydantic import BaseModel, Field


class FileChanged(BaseModel):
    """A file that is not what it was when the run began."""

    path: str = Field(description="Relative to the workspace.")
    change: Literal["added", "modified", "deleted"]
