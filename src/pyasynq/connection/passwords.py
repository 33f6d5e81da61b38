"""Passwords that are neither in a URL nor on a command line: in a file, or the environment."""

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from pyasynq.errors import ConfigError

VARIABLE = "PYASYNQ_REDIS_PASSWORD"
KEY_VARIABLE = "PYASYNQ_REDIS_KEY_PASSWORD"
FILE_SUFFIX = "_FILE"
NO_KEY_PASSWORD = "the private key is encrypted, and nobody has told its password"  # noqa: S105 - none


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


def from_environment(variable: str = VARIABLE) -> str | None:
    """Return the password that the environment gives; None if it gives none.

    Raises:
        ConfigError: it names a file that cannot be read.
    """
    if path := os.environ.get(variable + FILE_SUFFIX):
        return from_file(path)
    return os.environ.get(variable) or None


def of_key(password: str = "", file: str = "") -> Callable[[], str]:
    """Return what tells the password of a private key; it is only called if the key has one.

    So nobody is asked for it on a terminal, and the file is read anew for each connection.
    """

    def tell() -> str:
        try:
            told = from_file(file) if file else password or from_environment(KEY_VARIABLE)
        except ConfigError as error:
            raise OSError(str(error)) from error
        if not told:
            raise OSError(NO_KEY_PASSWORD)
        return told

    return tell


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
