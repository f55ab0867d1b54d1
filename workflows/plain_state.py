"""What the states of graphs are made of: plain JSON, so that every checkpoint can be read again."""

from typing import TypeAlias

Json: TypeAlias = dict[str, object]
"""An object in a state, as a model's `model_dump` gives it."""
