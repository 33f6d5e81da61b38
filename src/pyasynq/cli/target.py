"""Finds the App that a command names, or explains why there is none."""

import importlib
import re
import sys
from collections.abc import Callable
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyasynq.errors import ConfigError
from pyasynq.settings import current_directory
from pyasynq.spelling import nearest

if TYPE_CHECKING:
    from pyasynq.app import App

F = TypeVar("F", bound=Callable[..., Any])

# What a worker loads sooner or later, so that no file beside the App takes its place; `secrets` is
# what redis-py imports when it connects, `encodings.idna` the resolver of host names.
_OF_A_WORKER = (
    "pyasynq.worker.server",
    "pyasynq.scheduler.scheduler",
    "redis.asyncio",
    "secrets",
    "encodings.idna",
)
_OPTIONAL = ("uvloop",)
# A line that makes one, found without running the file.
_MAKES_AN_APP = re.compile(r"^(\w+)(?:: *[\w.]+)? *= *(?:pyasynq\.)?App\(", re.MULTILINE)
_MOST_FILES = 100
_TARGET = re.compile(r"(?P<module>[^:]+):(?P<name>[^:()]+)(?P<call>\(\))?")


def target_argument(function: F) -> F:
    """Add the argument MODULE:APP, which may also be the setting ``app`` of the project."""
    named = click.argument(
        "target", metavar="MODULE:APP", envvar="PYASYNQ_APP", required=False, callback=_given
    )(function)
    return app_dir_option(named)


def _given(context: click.Context, _argument: click.Parameter, value: str | None) -> str | None:
    """Return the target; say how to name an App, and which there may be, if none is named."""
    if value is None and not context.resilient_parsing:
        context.fail(f"name an App, as in `{context.command_path} app:app`{_found()}")
    return value


def app_dir_option(function: F) -> F:
    """Add ``--app-dir``."""
    return click.option(
        "--app-dir",
        metavar="FOLDER",
        envvar="PYASYNQ_APP_DIR",
        show_envvar=True,
        help="Where MODULE is, such as src; the current directory by default.",
    )(function)


def load_app(target: str, app_dir: str | None = None) -> "App":
    """Return the App at ``module:name``, looked for in *app_dir* first.

    The name may have dots, and ``()`` behind it calls a factory.

    Raises:
        ConfigError: there is no such module or name, or it is not an App; the text says which.
    """
    from pyasynq.app import App  # noqa: PLC0415 - a supervisor never loads it

    parts = parts_of(target)
    folder = current_directory() / (app_dir or "")
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {str(folder)!r}, which --app-dir names")
    module = _loaded(parts["module"], folder)
    found = _named(module, parts["name"], App)
    if parts["call"]:
        found = found()
    elif callable(found) and not isinstance(found, App):
        kind = type(found).__name__
        raise ConfigError(
            f"{target} is of type {kind}, not an App; if it makes one, write {target}()"
        )
    if not isinstance(found, App):
        raise ConfigError(f"{target} is of type {type(found).__name__}, not an App")
    return found


def parts_of(target: str) -> re.Match[str]:
    """Return the parts of ``module:name`` or ``module:name()``.

    Raises:
        ConfigError: it has another form.
    """
    parts = _TARGET.fullmatch(target)
    if parts is None:
        raise ConfigError(
            f"name the App as module:name, such as app:app or app:create_app(), not {target!r}"
            f"{_found()}"
        )
    return parts


def _loaded(name: str, folder: Path) -> ModuleType:
    """Import the module of the App; say what is wrong with it in words of its user."""
    for each in (*_OF_A_WORKER, *(each for each in _OPTIONAL if PathFinder.find_spec(each))):
        importlib.import_module(each)
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ConfigError as error:
        from pyasynq.wire.source_line import source_line  # noqa: PLC0415 - only after an error

        place = source_line(error).partition(" < ")[0]  # the line of the user, not ours below it
        raise ConfigError(f"{error} [{place}]") from error
    except ModuleNotFoundError as error:
        raise ConfigError(_missing(name, error, folder) + _hidden(error, folder)) from error
    except ImportError as error:
        raise ConfigError(_unimportable(name, error) + _hidden(error, folder)) from error
    except SyntaxError as error:
        where = f"{error.filename}:{error.lineno}"
        line = (error.text or "").strip()
        raise ConfigError(f"{where}: {type(error).__name__}: {error.msg}: {line}") from error
    except AttributeError as error:
        hint = _hidden(error, folder)
        if not hint and "partially initialized module" not in str(error):
            raise
        raise ConfigError(_unimportable(name, error) + hint) from error


def _named(module: ModuleType, name: str, wanted: type) -> Any:
    """Return what *name*, perhaps with dots, means in *module*."""
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise ConfigError(_without(module, name, wanted))
        found = getattr(found, part)
    return found


def _without(module: ModuleType, name: str, wanted: type) -> str:
    apps = [each for each, value in vars(module).items() if isinstance(value, wanted)]
    near = nearest(name, apps) or next(iter(apps), None)
    hint = f"; did you mean {module.__name__}:{near}?" if near else " and no App at all"
    file = getattr(module, "__file__", None)
    text = f"module {module.__name__!r} ({file or 'built in'}) has no {name!r}{hint}"
    own = current_directory() / f"{module.__name__}.py"
    if not near and own.is_file() and (file is None or not own.samefile(file)):
        text += f"; your {own.name} is hidden by it, so rename your file"
    return text


def _missing(name: str, error: ModuleNotFoundError, folder: Path) -> str:
    wanted = error.name or name
    if wanted != name and not name.startswith(f"{wanted}."):
        return f"module {name!r} imports {wanted!r}, which is not installed"
    top = name.partition(".")[0]
    below = [each.parent for each in (*folder.glob(f"*/{top}.py"), *folder.glob(f"*/{top}/"))]
    if below:
        return (
            f"there is no module {name!r} in {folder}, but in its folder {below[0].name}; "
            f"use --app-dir {below[0].name}"
        )
    near = nearest(name, sorted(path.stem for path in folder.glob("*.py")))
    hint = f"; did you mean {near!r}?" if near else _found(folder)
    return f"there is no module {name!r} in {folder} or on the path{hint}"


def _found(folder: Path | None = None) -> str:
    """Return which Apps the files of *folder*, or of the current directory, seem to make."""
    files = sorted((folder or current_directory()).glob("*.py"))[:_MOST_FILES]
    names = [
        f"{file.stem}:{name}"
        for file in files
        for name in _MAKES_AN_APP.findall(file.read_text("utf-8", "replace"))
    ]
    return f"; here is {' and '.join(names)}" if names else ""


def _unimportable(name: str, error: Exception) -> str:
    text = f"module {name!r} cannot be imported: {error}"
    if "no known parent package" in str(error):
        return f"{text}; name it with its package, as in shop.{name}:app, from the folder above"
    if "partially initialized module" in str(error):
        return f"{text}; two modules import each other: let both import the App from a third one"
    return text


def _hidden(error: Exception, folder: Path) -> str:
    """Return which file of the user's hides a module, or is hidden, that *error* is about."""
    about = getattr(error, "obj", None)
    named = about.__name__ if isinstance(about, ModuleType) else getattr(error, "name", None)
    top = str(named or "").partition(".")[0]
    file = folder / f"{top}.py"
    if not top or not file.is_file():
        return ""
    others = [path for path in sys.path if path not in ("", str(folder))]
    if top not in sys.builtin_module_names and PathFinder.find_spec(top, others) is None:
        return ""
    return f" ({file} and another module are both called {top!r}; rename your file)"
