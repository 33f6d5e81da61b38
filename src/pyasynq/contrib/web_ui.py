"""The web UI of an App inside of a web application, on the Redis that the App uses just now."""

from collections.abc import MutableMapping
from typing import Any

from starlette.types import Receive, Send

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.web import create_app


class WebUi:
    """An ASGI application: the web UI that `create_app` makes.

    An App learns of its Redis after it was made: from the settings of a framework, or in a test
    from `App.testing`. So the web UI is made again when the App is told of another one.

    Raises:
        ConfigError: *app* is no App, or a setting is wrong.
    """

    def __init__(self, app: App, settings: dict[str, Any]) -> None:
        if not isinstance(app, App):
            raise ConfigError(f"the web UI needs an App, not {type(app).__name__}")
        self._app = app
        self._settings = settings
        self._source = app.source
        self._web = create_app(app.source, **settings)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request."""
        source = self._app.source
        if source is not self._source:
            before, self._web = self._web, create_app(source, **self._settings)
            self._source = source
            await before.aclose()
        await self._web(scope, receive, send)

    async def aclose(self) -> None:
        """Close the connections of the running event loop; safe to repeat."""
        await self._web.aclose()
