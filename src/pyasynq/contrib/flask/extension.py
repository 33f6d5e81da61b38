"""The extension: an App that follows the settings of a Flask application, and runs inside of it."""

from collections.abc import Mapping
from typing import Any

from flask import Flask
from typing_extensions import override

from pyasynq.app import App
from pyasynq.contrib.flask.commands import group_of
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.middleware import PlainCallNext

PREFIX = "PYASYNQ"


class Pyasynq:
    """Joins an App and a Flask application, in the manner of Flask's extensions.

        queue = Pyasynq()

        @queue.app.task
        def send(user_id: int) -> None: ...

        def create_app() -> Flask:
            flask = Flask(__name__)
            queue.init_app(flask)

    * Settings: ``PYASYNQ_REDIS_URL``, ``PYASYNQ_QUEUES`` and any other field of `ServerConfig`,
      such as ``PYASYNQ_CONCURRENCY``, in ``flask.config``.
    * Each attempt of a task runs in an application context of its own, in the thread of its
      handler, which is torn down when it has ended.
    * ``flask pyasynq worker`` runs the tasks.

    Args:
        flask: an application to begin with; else call `init_app`.
        app: an App of yours; a new one if not given.
        prefix: of the settings; in small letters, the name of the command and of the extension.
            A second App in one application needs another one.
        contexts: whether tasks run in an application context.

    Attributes:
        app: the App. A task runs in the context of the application that was initialised last.

    Raises:
        ConfigError: an argument or a setting is wrong.
    """

    def __init__(
        self,
        flask: Flask | None = None,
        app: App | None = None,
        *,
        prefix: str = PREFIX,
        contexts: bool = True,
    ) -> None:
        if app is not None and not isinstance(app, App):
            raise ConfigError(f"app must be an App of pyasynq, not {type(app).__name__}")
        if not (prefix.isidentifier() and prefix.isupper()):
            raise ConfigError(f"prefix must be in capital letters, such as {PREFIX!r}")
        self.app = App() if app is None else app
        self._prefix = prefix
        self._flask: Flask | None = None
        if contexts:
            self.app.middleware(self._in_a_context)
        if flask is not None:
            self.init_app(flask)

    def init_app(self, flask: Flask) -> None:
        """Take the settings of an application, and add the command to it; safe to repeat.

        Raises:
            ConfigError: names every wrong setting; or the application has such an extension.
        """
        if not isinstance(flask, Flask):
            raise ConfigError(f"init_app needs a Flask application, not {type(flask).__name__}")
        name = self._prefix.lower()
        if flask.extensions.get(name, self) is not self:
            raise ConfigError(
                f"this application has an extension {name!r} already; give the other App a prefix, "
                "as in Pyasynq(app=other, prefix='OTHER')"
            )
        source, queues, settings = _settings_of(flask.config, f"{self._prefix}_")
        try:
            self.app.reconfigure(source, queues=queues, **settings)
        except ConfigError as error:
            raise ConfigError(
                *(f"in the config of Flask, {self._prefix}_…: {each}" for each in error.faults)
            ) from error
        flask.extensions[name] = self
        flask.cli.add_command(group_of(name, self.app))
        self._flask = flask

    def _in_a_context(self, ctx: TaskContext[Any], call_next: PlainCallNext) -> Any:
        if self._flask is None:
            raise ServerStateError(
                "tasks run inside of a Flask application, but none was initialised; call "
                "init_app(flask) before the worker runs, as `flask pyasynq worker` does"
            )
        with self._flask.app_context():
            return call_next(ctx)

    @override
    def __repr__(self) -> str:
        return f"<Pyasynq of {self._flask!r} with {self.app!r}>"


def _settings_of(
    config: Mapping[str, Any], prefix: str
) -> tuple[Any, Mapping[str, int] | None, dict[str, Any]]:
    """Return the URL of Redis, the queues, and the other settings; None for what is not there."""
    given = {
        key.removeprefix(prefix).lower(): value
        for key, value in config.items()
        if key.startswith(prefix)
    }
    return given.pop("redis_url", None), given.pop("queues", None), given
