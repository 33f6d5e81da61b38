"""Imports a module of tools/ whose imports find the modules beside it, as when it is run."""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

TOOLS = str(Path(__file__).parents[2] / "tools")


def tool(name: str) -> ModuleType:
    """Return the module *name* of tools/."""
    sys.path.insert(0, TOOLS)
    try:
        return import_module(name)
    finally:
        sys.path.remove(TOOLS)
