"""The HTTP port of a worker: probes, and the web UI; needs the extra ``web``.

What it answers is in web/worker_port.py. It has a thread of its own, also beside the supervisor of
several processes, whose port is one for all of them.
"""

import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pyasynq.cli.http_address import Address, AddressType
from pyasynq.cli.web_options import (
    address_of,
    check_extra,
    is_open_here,
    ui_arguments,
    ui_options,
)
from pyasynq.errors import ConfigError

if TYPE_CHECKING:
    from pyasynq.connection.connector import ConnectionSource
    from pyasynq.web.worker_port import HealthOfProcesses, Measured

F = TypeVar("F", bound=Callable[..., Any])

logger = logging.getLogger("pyasynq.http")


def http_options(*, ui: bool) -> Callable[[F], F]:
    """Return what adds ``--http``, ``--ui`` and the options of the web UI, which help leaves out.

    Args:
        ui: whether the web UI is shown if nothing is said.
    """
    settings: Mapping[str, Any] = {} if ui else {"envvar": "PYASYNQ_HTTP", "show_envvar": True}
    where = (
        "Where the web UI is; port 0 is any that is free. Default: 127.0.0.1:8080."
        if ui
        else "Answer /healthz, /readyz and /metrics there; port 0 is any that is free."
    )
    show: Mapping[str, Any] = {} if ui else {"envvar": "PYASYNQ_UI", "show_envvar": True}

    def add(function: F) -> F:
        for option in (
            ui_options(hidden=True),
            click.option(
                "--ui/--no-ui",
                default=ui,
                help="Whether to show the web UI there; options of `pyasynq web` say how and to "
                "whom, such as --read-only and --auth-file.",
                **show,
            ),
            click.option("--http", type=AddressType(), help=where, **settings),
        ):
            function = option(function)
        return function

    return add


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPort:
    """A port that listens, and what is to be answered there.

    Attributes:
        listener: the socket.
        url: of the page, for people.
        root_path: where a proxy shows it.
        ui: the arguments of `create_app`; None for no web UI.
    """

    listener: socket.socket
    url: str
    root_path: str
    ui: Mapping[str, Any] | None

    @contextlib.contextmanager
    def serving(
        self,
        health: "HealthOfProcesses",
        find: Callable[[], "ConnectionSource"],
        measured: "Measured",
    ) -> Iterator[None]:
        """Answer around a block.

        Args:
            health: of the worker.
            find: returns where Redis is, or raises a Refusal; see `LateUi`.
            measured: what the worker has measured.
        """
        from pyasynq.web.app import create_app  # noqa: PLC0415 - an extra
        from pyasynq.web.serving import serving  # noqa: PLC0415 - as above
        from pyasynq.web.worker_port import LateUi, WorkerPort  # noqa: PLC0415 - as above

        arguments = self.ui
        ui = None
        if arguments is not None:
            ui = LateUi(find, lambda source: create_app(source, **arguments))
        with serving(WorkerPort(health, measured, ui, root_path=self.root_path), self.listener):
            yield

    def announce(self) -> None:
        """Log where it is."""
        if self.ui is not None:
            logger.info("web UI: %s (also /healthz, /readyz and /metrics)", self.url)
        else:
            logger.info("probes: %shealthz, and /readyz and /metrics", self.url)


@contextlib.contextmanager
def opened(
    address: Address | None, given: Mapping[str, Any], *, may_move: bool = False
) -> Iterator[HttpPort | None]:
    """Listen around a block; None if no address is given.

    Args:
        given: ``ui`` and the options of the web UI.
        may_move: whether it may be any other port if that one is taken.

    Raises:
        click.UsageError: the web UI would be open to everybody, or options contradict each other.
        click.ClickException: the extra is missing.
        ConfigError: nobody can listen there, or a setting is wrong.
    """
    if address is None:
        if given["ui"]:
            raise click.UsageError("--ui needs --http, which says where")
        yield None
        return
    check_extra("--http")
    with _listener(address, may_move=may_move) as listener:
        arguments = None
        if given["ui"]:
            is_open = is_open_here(listener, address.host, given)
            arguments = ui_arguments(given, is_open_here=is_open)
        yield HttpPort(
            listener=listener,
            url=address_of(listener, address.host, given["root_path"]),
            root_path=given["root_path"],
            ui=arguments,
        )


def _listener(address: Address, *, may_move: bool) -> socket.socket:
    from pyasynq.lifecycle.listening import listener_on  # noqa: PLC0415 - rarely needed

    try:
        return listener_on(*address)
    except ConfigError:
        if not may_move:
            raise
        return listener_on(address.host, 0)
