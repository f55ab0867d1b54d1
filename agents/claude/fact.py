"""The class of what is made for every line: a dataclass with slots that the type checker keeps from being changed."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True)
def fact(cls: type[_T]) -> type[_T]:
    """Make a class a frozen dataclass with slots, frozen for the type checker only.

    `dataclass(frozen=True)` sets each field through `object.__setattr__`, which takes three times as long. For what
    is made once or twice per line of a run, that is a tenth of all the work.
    """
    return dataclass(slots=True)(cls)
