"""Loads modules that take long, faster."""

import gc
import importlib
import sys
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import a module, and what it needs, without looking for garbage in between.

    What is loaded stays. To look through it again and again while it grows takes up to a fifth of the time of the
    import, and to do so later would hold everything up for many milliseconds; so it is never looked through again.
    """
    if name in sys.modules:
        return importlib.import_module(name)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
