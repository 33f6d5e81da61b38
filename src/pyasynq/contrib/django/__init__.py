"""pyasynq in a project of Django: put ``"pyasynq.contrib.django"`` into INSTALLED_APPS.

`app` is the App of the project, made of ``PYASYNQ`` in its settings when it is first used. Each
name is loaded then, since Django imports this package before its settings and models are ready.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyasynq.contrib.django.application import App, after_commit, at_once

    app: App

__all__ = ["App", "after_commit", "app", "at_once"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name == "app":
        return import_module("pyasynq.contrib.django.project").project_app()
    if name not in __all__:
        raise AttributeError(f"module 'pyasynq.contrib.django' has no attribute {name!r}")
    return getattr(import_module("pyasynq.contrib.django.application"), name)


def __dir__() -> list[str]:
    return __all__
