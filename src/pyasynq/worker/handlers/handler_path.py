"""How a fresh interpreter finds a handler: by its module and its name there."""

import importlib
import inspect
import sys
import types
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any, Protocol, runtime_checkable

import msgspec

from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError

MAIN = "__main__"
RENAMED_MAIN = "__pyasynq_main__"  # so that `if __name__ == "__main__":` is not run again


@runtime_checkable
class HoldsHandler(Protocol):
    """A module-level object that stands for a handler, such as a task of an App."""

    @property
    def task_handler(self) -> Any:
        """The handler: (context, task) → result."""


@runtime_checkable
class UsesRedis(Protocol):
    """What stands for a handler, and lets it enqueue tasks, such as a task of an App."""

    def use_redis(self, options: ConnectionOptions) -> None:
        """Enqueue to another Redis from now on."""


class HandlerPath(msgspec.Struct, frozen=True):
    """Module and qualified name of a function."""

    module: str
    name: str

    @classmethod
    def of(cls, function: Any) -> "HandlerPath":
        """Return the path of *function*.

        Raises:
            ConfigError: it is not at the top level of a module, so it could not be found.
        """
        name = getattr(function, "__qualname__", "")
        if not name or "<" in name:
            raise ConfigError(
                f"{name or function!r} cannot run in a process of its own: a new process can "
                "only find functions at the top level of a module"
            )
        return cls(function.__module__, name)

    def find(self) -> Any:
        """Return the object of this path; its module is imported if need be.

        Raises:
            ImportError: there is no such module, or its import fails.
            AttributeError: there is no such name.
        """
        found: Any = importlib.import_module(self.module)
        for part in self.name.split("."):
            found = getattr(found, part)
        return found

    def check(self, function: Any) -> None:
        """Check that this path leads to *function*.

        Raises:
            ConfigError: it leads to something else, or nowhere.
        """
        try:
            found = self.find()
        except (ImportError, AttributeError):
            found = None
        if function not in (found, getattr(found, "__wrapped__", None)):
            raise ConfigError(
                f"{self.module}.{self.name} is not the handler that was registered; a process of "
                "its own could not find it (is it decorated again, or defined twice?)"
            )


def handler_at(path: HandlerPath, redis: ConnectionOptions | None = None) -> Any:
    """Return the handler that *path* names.

    Args:
        redis: what it enqueues to, in place of what its code says; None leaves that to its code.

    Raises:
        ImportError, AttributeError: it cannot be found.
    """
    found = path.find()
    if redis is not None and isinstance(found, UsesRedis):
        found.use_redis(redis)
    return found.task_handler if isinstance(found, HoldsHandler) else found


class Main(msgspec.Struct, frozen=True):
    """How the worker was started, so that a child can import what the worker calls `__main__`.

    Attributes:
        module: name of the module that was run (``python -m``); empty for a file.
        path: the file that was run; empty if there is none.
    """

    module: str = ""
    path: str = ""

    @classmethod
    def of_this_process(cls) -> "Main":
        """Return how this process was started."""
        main = sys.modules[MAIN]
        spec = getattr(main, "__spec__", None)
        if spec is not None and spec.name:
            return cls(module=spec.name)
        return cls(path=inspect.getsourcefile(main) or "" if hasattr(main, "__file__") else "")

    def load(self) -> types.ModuleType:
        """Import what was run under another name, and make it `__main__`.

        Raises:
            ImportError: there is no such file or module.
        """
        if self.module:
            loaded = importlib.import_module(self.module)
        else:
            spec = spec_from_file_location(RENAMED_MAIN, self.path) if self.path else None
            if spec is None or spec.loader is None:
                raise ImportError("the handler was not defined in a file")
            loaded = module_from_spec(spec)
            sys.modules[RENAMED_MAIN] = loaded
            spec.loader.exec_module(loaded)
        sys.modules[MAIN] = loaded
        return loaded
