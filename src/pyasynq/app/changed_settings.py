"""The settings of an App with what is changed in them; every fault is told at once."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pyasynq.app.advice import on_setting, on_source
from pyasynq.connection.connector import ConnectionSource
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.worker.config import ServerConfig


@contextmanager
def gathering(faults: list[str | None]) -> Iterator[None]:
    """Collect the faults of a ConfigError instead of raising it."""
    try:
        yield
    except ConfigError as error:
        faults.extend(error.faults)


def changed(
    config: ServerConfig,
    source: ConnectionSource,
    queues: Mapping[str, int] | None,
    server: Mapping[str, Any],
) -> tuple[ServerConfig, ConnectionSource]:
    """Return *config* with the given settings, and the source; a wrong URL is found at once.

    Args:
        queues: other queues; None to leave them as they are.
        server: fields of `ServerConfig` to change.

    Raises:
        ConfigError: names every wrong setting.
    """
    changes = dict(server) if queues is None else {**server, "queues": queues}
    fields = ServerConfig.__dataclass_fields__
    faults: list[str | None] = [*on_setting(changes, fields)]
    known = {name: value for name, value in changes.items() if name in fields}
    with gathering(faults):
        config = dataclasses.replace(config, **known)
    with gathering(faults):
        ConfigError.raise_if([on_source(source)])
        if isinstance(source, str):
            source = ConnectionOptions.from_url(source)
    ConfigError.raise_if(faults)
    return config, source
