"""Passwords that are neither in a URL nor on a command line: in a file, or the environment."""

import os
from pathlib import Path
from urllib.parse import quote

from pyasynq.errors import ConfigError

VARIABLE = "PYASYNQ_REDIS_PASSWORD"
FILE_VARIABLE = f"{VARIABLE}_FILE"


def from_file(path: str) -> str:
    """Return the password that is the first line of a file.

    Raises:
        ConfigError: there is none.
    """
    try:
        lines = Path(path).read_text("utf-8").splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"the password file {path!r} is not UTF-8 text") from None
    except OSError as error:
        reason = error.strerror or error
        raise ConfigError(f"the password file {path!r} cannot be read: {reason}") from error
    if not lines or not lines[0]:
        raise ConfigError(f"the password file {path!r} begins with an empty line")
    return lines[0]


def from_environment() -> str | None:
    """Return the password that the environment gives; None if it gives none.

    Raises:
        ConfigError: it names a file that cannot be read.
    """
    if path := os.environ.get(FILE_VARIABLE):
        return from_file(path)
    return os.environ.get(VARIABLE) or None


def completed(url: str) -> str:
    """Return a URL with the password that the environment gives, unless it has one or needs none.

    Raises:
        ConfigError: the environment names a file that cannot be read.
    """
    if "://" not in url or has_password(url):
        return url
    password = from_environment()
    return url if password is None else with_password(url, password)


def has_password(url: str) -> bool:
    """Return whether a URL has a password."""
    return ":" in _user(url)


def with_password(url: str, password: str) -> str:
    """Return a URL with a password, which it does not have yet.

    Raises:
        ConfigError: it is no URL that can have one.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ConfigError("only a URL with :// can have a password, as redis://localhost:6379")
    user = _user(url)
    host = rest.removeprefix(f"{user}@")
    return f"{scheme}://{user}:{quote(password, safe='')}@{host}"


def _user(url: str) -> str:
    """Return what stands before the @ of a URL; empty if there is none."""
    authority = url.partition("://")[2].partition("/")[0].partition("?")[0]
    return authority.rpartition("@")[0]
