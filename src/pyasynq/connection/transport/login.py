# Generated from login_async.py by tools/unasync.py: change that file.
"""How a new connection introduces itself, and what it finds out about a proxy in front of Redis.

redis-py gives up if a server refuses the name of the connection, which only `CLIENT LIST` shows.
Here it goes without one. A proxy that closes the connection instead is recognised: it closes a
second one on the same commands, too, but answers a PING before. A Redis that just went away does
not. So a Redis without a proxy is asked nothing more than before.
"""

from collections.abc import Callable, Sequence
from typing import Any

from redis.connection import AbstractConnection
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import NoPermissionError, RedisError, ResponseError
from typing_extensions import override

from pyasynq.connection.transport.proxy import Proxy, is_unknown
from pyasynq.connection.transport.replies import Command, packed
from pyasynq.connection.transport.wrong_settings import NO_DATABASES


class Login(AbstractConnection):
    """A connection that logs in as a server or a proxy lets it.

    Args:
        proxy: what all connections of the connector know; None: there can be no proxy.
        on_login: called each time the connection was opened.
    """

    def __init__(
        self,
        *args: Any,
        proxy: Proxy | None = None,
        on_login: Callable[[], object] = bool,
        **settings: Any,
    ) -> None:
        super().__init__(*args, **settings)
        self._on_login = on_login
        self._proxy = proxy
        self._is_logging_in = self._is_probing = self._has_answered = False
        self._has_logged_in = False  # ever

    @override
    def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        connect: Any = super().connect_check_health  # redis-py has no types for it
        self._is_logging_in = False
        try:
            connect(check_health, retry_socket_connect)
        except NoConnectionError as error:
            if not self._may_be_proxied(error) or not self._finds_proxy(connect):
                raise
            connect(check_health, retry_socket_connect)
        self._has_logged_in = True
        if self._is_logging_in:  # else it was open already
            self._on_login()

    @override
    def on_connect_check_health(self, check_health: bool = True) -> None:
        self._is_logging_in = True
        is_plain = self._is_probing or (self._proxy is not None and self._proxy.is_there)
        log_in: Any = super().on_connect_check_health
        name, db = self.client_name, self.db
        self.client_name, self.db = None, 0 if is_plain else db
        try:
            log_in(check_health)
        finally:
            self.client_name, self.db = name, db
        if self._is_probing:
            self._has_answered = b"PONG" in self._answers([("PING",)])
            self._answers(self._extras())
        elif is_plain or (name and is_unknown(*self._answers([("CLIENT", "SETNAME", name)]))):
            self._check_proxy()

    def _was_cut(self, error: NoConnectionError) -> bool:
        """Return whether the connection was closed while we logged in."""
        return self._is_logging_in and type(error) is NoConnectionError

    def _may_be_proxied(self, error: NoConnectionError) -> bool:
        """Return whether a proxy may have closed the connection while we logged in."""
        is_open = self._proxy is not None and not self._proxy.is_there and bool(self._extras())
        return is_open and self._was_cut(error)

    def _extras(self) -> list[Command]:
        """Return what we send to a server when we log in, and never to a proxy."""
        extras: list[Command] = [("SELECT", self.db)] if self.db else []
        return [*extras, ("CLIENT", "SETNAME", self.client_name)] if self.client_name else extras

    def _finds_proxy(self, connect: Any) -> bool:
        """Return whether it is a proxy that closes the connection."""
        disconnect: Any = self.disconnect
        self._is_probing, self._has_answered, is_found = True, False, False
        try:
            connect()  # if that works, it was a passing trouble
        except RedisError as error:
            is_found = self._has_answered and type(error) is NoConnectionError
        finally:
            self._is_probing = False
            disconnect()
        if is_found and self._proxy is not None:
            self._proxy.found()
        return is_found

    def _check_proxy(self) -> None:
        """Check, once, that all keys of a queue are on one server."""
        proxy = self._proxy
        if proxy is None:
            return
        if proxy.is_there and self.db:
            raise NoConnectionError(NO_DATABASES)
        if not proxy.is_checked and (fault := proxy.check(self._answers(proxy.probes))):
            raise NoConnectionError(fault)

    def _answers(self, commands: Sequence[Command]) -> list[Any]:
        """Send commands and return the answers; a missing right or command is an answer, too."""
        send: Any = self.send_packed_command
        send([packed(commands)], check_health=False)
        answers: list[Any] = []
        for _command in commands:
            try:
                answers.append(self.read_response())
            except ResponseError as error:
                if not (isinstance(error, NoPermissionError) or is_unknown(error)):
                    raise
                answers.append(error)
        return answers
