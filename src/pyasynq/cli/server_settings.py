"""Settings of a server that variables of the environment give, such as PYASYNQ_SHUTDOWN_TIMEOUT."""

import logging
import os
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pyasynq.errors import ConfigError
from pyasynq.spelling import nearest
from pyasynq.worker.config import VARIABLE_PREFIX, read_variables, setting_kinds, variable_of

if TYPE_CHECKING:
    from pyasynq.app import App

logger = logging.getLogger("pyasynq.settings")

ALIKE = 0.8  # Kubernetes makes variables of the names of its services, which mean nothing here


def reconfigure(app: "App", redis_url: str | None, given: Mapping[str, Any]) -> None:
    """Change an App as a command was told, and besides as the environment says.

    A variable that seems to be a misspelt setting is logged.

    Args:
        redis_url: where Redis is; None to leave that as it is.
        given: fields of `ServerConfig` that the command has read; their variables are not.

    Raises:
        ConfigError: names every wrong setting, and its variable if it came from one.
    """
    found, faults = read_variables(os.environ, given)
    try:
        app.reconfigure(redis_url, **{**found, **given})
    except ConfigError as error:
        faults += [_with_variables(fault, found) for fault in error.faults]
    ConfigError.raise_if(faults)
    for variable, wanted in misspelt(os.environ):
        logger.warning("%s is no setting; did you mean %s?", variable, wanted)


def load_what_it_needs() -> None:
    """Load what `reconfigure` may need, before a file beside the App can take its place."""
    if any(_unknown(os.environ)):
        import_module("difflib")  # by which words are compared


def misspelt(variables: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each variable that seems to be a misspelt setting, and that of the setting."""
    words = {each.removeprefix(VARIABLE_PREFIX): each for each in _known()}
    for variable in sorted(_unknown(variables)):
        word = variable.upper().removeprefix(VARIABLE_PREFIX)
        if near := nearest(word, words, likeness=ALIKE):
            yield variable, words[near]


def _known() -> list[str]:
    return [variable_of(name) for name, kind in setting_kinds().items() if kind.read is not None]


def _unknown(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield the variables that look like ours and are no setting of a server."""
    known = _known()
    for each in variables:
        if each.upper().startswith(VARIABLE_PREFIX) and each not in known:
            yield each


def _with_variables(fault: str, found: Mapping[str, Any]) -> str:
    """Return *fault* with the variables of the settings that it names."""
    named = [variable_of(each) for each in found if re.search(rf"\b{each}\b", fault)]
    return f"{fault} (see {', '.join(named)})" if named else fault
