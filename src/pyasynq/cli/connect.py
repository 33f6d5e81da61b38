"""The option for the URL of Redis."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def redis_url_option(function: F) -> F:
    """Add ``--redis-url``; without it the environment and then the default decide."""
    return click.option(
        "--redis-url",
        metavar="URL",
        help="Where Redis is, such as redis://localhost:6379/0. "
        "Default: $PYASYNQ_REDIS_URL, else redis_url of [tool.pyasynq] in pyproject.toml, else "
        "what `pyasynq dev` started in this directory, else redis://127.0.0.1:6379/0.",
    )(function)
