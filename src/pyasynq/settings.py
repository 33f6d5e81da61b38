"""Settings of a project: the table ``[tool.pyasynq]`` of the nearest ``pyproject.toml``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyasynq.errors import ConfigError
from pyasynq.spelling import hint

KINDS: Mapping[str, tuple[type, str]] = {
    "app": (str, 'text such as "shop:app"'),
    "app_dir": (str, 'text such as "src"'),
    "redis_url": (str, "text"),
    "concurrency": (int, "a whole number"),
    "queues": (str, 'text such as "critical=6,default=3"'),
    "strict_priority": (bool, "true or false"),
    "processes": (int, "a whole number"),
    "scheduler": (bool, "true or false"),
    "http": (str, 'text such as "127.0.0.1:8080"'),
    "ui": (bool, "true or false"),
    "log_level": (str, "text"),
}
"""The settings: the type of each, and a description of its value for error texts."""


def project_settings(directory: Path | None = None) -> dict[str, Any]:
    """Return the settings of the project that *directory*, or the current directory, is in.

    Raises:
        ConfigError: names every setting that is unknown or of the wrong type; or the file cannot be
            read, so that nobody knows whether it has settings.
    """
    start = (directory or current_directory()).resolve()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _read(path)
    return {}


def current_directory() -> Path:
    """Return the current directory.

    Raises:
        ConfigError: it was deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("the current directory no longer exists; change to another one") from None


def _read(path: Path) -> dict[str, Any]:
    import tomllib  # noqa: PLC0415 - not every worker runs beside a pyproject.toml

    try:
        # Notepad and others put a mark before the text, which TOML does not allow.
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} is not UTF-8 text (at line {line})") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not valid TOML: {_lowered(str(error))}") from error
    tool = document.get("tool", {})
    table = tool.get("pyasynq", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError(f"[tool.pyasynq] in {path} must be a table")
    ConfigError.raise_if(f"{fault} in [tool.pyasynq] of {path}" for fault in _faults(table))
    return table


def _lowered(text: str) -> str:
    return text[:1].lower() + text[1:]


def _faults(table: Mapping[str, Any]) -> Iterator[str]:
    for name, value in table.items():
        if name not in KINDS:
            yield f"unknown setting {name!r} ({hint(name, KINDS, {})})"
            continue
        kind, wanted = KINDS[name]
        is_right = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
        if not is_right:
            yield f"{name} must be {wanted}, not {value!r},"
