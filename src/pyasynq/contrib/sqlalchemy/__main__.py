"""Runs a relay in a process of its own: ``python -m pyasynq.contrib.sqlalchemy shop:relay``."""

import importlib
import sys
from operator import attrgetter
from typing import Any

import click

from pyasynq.cli.logs import log_options, log_settings, set_up
from pyasynq.cli.main import run
from pyasynq.contrib.sqlalchemy.relay import Relay
from pyasynq.errors import ConfigError
from pyasynq.settings import current_directory


@click.command("pyasynq.contrib.sqlalchemy")
@click.argument("target", metavar="MODULE:RELAY")
@log_options
def command(*, target: str, **others: Any) -> None:
    """Move the tasks of an outbox to Redis until SIGTERM or SIGINT.

    The relay is named as MODULE:RELAY, such as shop:relay for `relay` in shop.py; `()` behind the
    name calls a function that makes it.
    """
    relay = _loaded(target)
    set_up(log_settings(others))
    relay.run()


def _loaded(target: str) -> Relay:
    """Return the relay at ``module:name``, looked for in the current directory first.

    Raises:
        ConfigError: there is none.
    """
    module, _, name = target.partition(":")
    if not (module and name):
        raise ConfigError(f"name the relay as module:name, such as shop:relay, not {target!r}")
    sys.path.insert(0, str(current_directory()))
    try:
        found: Any = attrgetter(name.removesuffix("()"))(importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{target} cannot be loaded: {error}") from error
    if name.endswith("()"):
        found = found()
    if not isinstance(found, Relay):
        kind = type(found).__name__
        raise ConfigError(f"{target} is a {kind}, not a Relay; make one with Relay(outbox, engine)")
    return found


if __name__ == "__main__":
    sys.exit(run(lambda: command(standalone_mode=False)))
