"""Finds the App that a command names, or explains why there is none."""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyasynq.errors import ConfigError
from pyasynq.spelling import nearest

if TYPE_CHECKING:
    from pyasynq.app import App

F = TypeVar("F", bound=Callable[..., Any])

# What a worker loads sooner or later: redis-py when it connects, and the resolver of host names.
_OF_A_WORKER = ("pyasynq.worker.server", "secrets", "encodings.idna")


def target_argument(function: F) -> F:
    """Add the argument MODULE:APP, which may also be the setting ``app`` of the project."""
    return click.argument("target", metavar="MODULE:APP", envvar="PYASYNQ_APP")(function)


def load_app(target: str) -> "App":
    """Return the App at ``module:name``, looked for in the current directory first.

    Raises:
        ConfigError: there is no such module or name, or it is not an App; the text says which.
    """
    from pyasynq.app import App  # noqa: PLC0415 - a supervisor never loads it

    module_name, separator, name = target.partition(":")
    if not module_name or not separator or not name:
        raise ConfigError(f"name the App as module:name, such as app:app, not {target!r}")
    for each in _OF_A_WORKER:  # before a file beside the App can replace what they import
        importlib.import_module(each)
    if os.getcwd() not in sys.path:  # noqa: PTH109 - sys.path holds text
        sys.path.insert(0, os.getcwd())  # noqa: PTH109 - as above
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(_missing(module_name, error)) from error
    found = getattr(module, name, None)
    if found is None:
        apps = [each for each, value in vars(module).items() if isinstance(value, App)]
        near = nearest(name, apps) or next(iter(apps), None)
        hint = f"; did you mean {module_name}:{near}?" if near else " and no App at all"
        raise ConfigError(f"module {module_name!r} has no {name!r}{hint}")
    if not isinstance(found, App):
        raise ConfigError(f"{target} is a {type(found).__name__}, not an App")
    return found


def _missing(module_name: str, error: ModuleNotFoundError) -> str:
    wanted = error.name or module_name
    if wanted != module_name and not module_name.startswith(f"{wanted}."):
        return f"module {module_name!r} imports {wanted!r}, which is not installed"
    files = sorted(path.stem for path in Path.cwd().glob("*.py"))
    near = nearest(module_name, files)
    hint = f"; did you mean {near!r}?" if near else ""
    return f"there is no module {module_name!r} in {Path.cwd()} or on the path{hint}"
