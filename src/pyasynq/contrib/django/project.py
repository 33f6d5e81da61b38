"""The App of the project, and the modules in which its tasks are found."""

import importlib
import importlib.util
import threading
import traceback
from typing import Any

from django.apps import apps

from pyasynq.contrib.django.application import App
from pyasynq.contrib.django.set_up import set_up
from pyasynq.contrib.django.settings import Settings
from pyasynq.errors import ConfigError, PyasynqError

_lock = threading.RLock()
_made: list[App] = []


def project_app() -> App:
    """Return the App of the project: made of its settings, or the one that they name.

    Raises:
        ConfigError: names every fault of the settings.
    """
    set_up()
    with _lock:
        if not _made:
            _made.append(app_of(Settings.of_project()))
    return _made[0]


def discover(names: tuple[str, ...]) -> None:
    """Import the modules of these names in every installed app, which register their tasks there.

    Raises:
        ConfigError: a module cannot be imported; names it, the line, and the error.
    """
    for config in apps.get_app_configs():
        for name in names:
            module = f"{config.name}.{name}"
            if config.name == "pyasynq.contrib.django" or not _exists(config.module, name):
                continue
            try:
                importlib.import_module(module)
            except PyasynqError:
                raise
            except Exception as error:
                raise ConfigError(
                    f"{module}, which has tasks, cannot be imported: "
                    f"{type(error).__name__}: {error} ({_place_of(error)})"
                ) from error


def _exists(package: Any, name: str) -> bool:
    where = getattr(package, "__path__", None)
    if where is None:
        return False
    return importlib.util.find_spec(f"{package.__name__}.{name}") is not None


def _place_of(error: Exception) -> str:
    """Return the file and the line that the error comes from, as far as that is known."""
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    frames = [
        each
        for each in traceback.extract_tb(error.__traceback__)
        if not each.filename.startswith("<frozen")
    ]
    return f"{frames[-1].filename}:{frames[-1].lineno}"


def app_of(settings: Settings) -> App:
    """Return the App that *settings* name or describe.

    Raises:
        ConfigError: there is no such App.
    """
    if settings.app is None:
        return App(settings.url, **settings.keywords)
    module, _, name = settings.app.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"PYASYNQ['APP'] is {settings.app!r}, which cannot be found: {error}"
        ) from error
    if not isinstance(found, App):
        raise ConfigError(
            f"PYASYNQ['APP'] is {settings.app!r}, which is {type(found).__name__}, and no App of "
            "pyasynq.contrib.django, which knows of transactions and connections"
        )
    return found
