"""What an agent may do in its workspace."""

from typing import Literal, TypeAlias

Access: TypeAlias = Literal["none", "read", "write"]
"""What an agent may do in the workspace: nothing, read and search, or also write and run commands."""
