"""Reads periodic tasks from a file: YAML, TOML or JSON, by the end of its name.

    entries:
      - spec: "@every 90s"         # or "*/5 * * * *"
        type: report               # of the task
        payload: {"days": 7}       # becomes JSON
        key: weekly                # optional, as all that follow: headers, the options of a task
        queue: low                 # by their names, and missed, missed_within, overlap, jitter
        timeout: 30m               # a duration is a number of seconds, or text like 1h30m

An entry that is wrong is returned as the error that says why, so that the others can be used.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from pyasynq.errors import ConfigError, PayloadError
from pyasynq.options import EnqueueOptions
from pyasynq.payload.json_text import encode
from pyasynq.scheduler.config import PeriodicTaskConfig
from pyasynq.spelling import hint
from pyasynq.task import Task
from pyasynq.wire.go_duration import parse_duration

_OPTIONS = frozenset(field.name for field in fields(EnqueueOptions)) - {"headers"}
_POLICY = frozenset({"key", "seconds", "missed", "missed_within", "overlap", "jitter"})
_TASK = frozenset({"spec", "type", "payload", "headers"})
_DURATIONS = frozenset(
    {"timeout", "expires", "unique", "process_in", "retention", "missed_within", "jitter"}
)


class EntryError(ConfigError):
    """An entry of a file is wrong.

    Attributes:
        key: of the entry; None if it has none.
    """

    def __init__(self, *faults: str, key: object = None) -> None:
        super().__init__(*faults)
        self.key: str | None = key if isinstance(key, str) else None


def read_file(path: Path) -> list[PeriodicTaskConfig | EntryError]:
    """Return the entries of a file in their order; for one that is wrong, why it is.

    Raises:
        ConfigError: the file cannot be read, or holds no list of entries.
    """
    document = _document(path)
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ConfigError(f"{path} must hold a list called 'entries'")
    unknown = [name for name in document if name != "entries"]
    if unknown:
        raise ConfigError(f"{path} holds {unknown[0]!r} beside 'entries', which is not known")
    return [_config_or_fault(each) for each in entries]


def _document(path: Path) -> Any:
    kind = path.suffix.lower()
    load = _FORMATS.get(kind)
    if load is None:
        raise ConfigError(f"{path} must end in {', '.join(_FORMATS)}, so that its format is known")
    try:
        return load(path.read_text("utf-8-sig"))
    except ConfigError as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # of the parsers, and of what is not UTF-8
        raise ConfigError(f"{path} is not valid {kind[1:].upper()}: {error}") from error


def _load_toml(text: str) -> Any:
    return import_module("tomllib").loads(text)


def _load_yaml(text: str) -> Any:
    try:
        yaml = import_module("yaml")
    except ImportError:
        raise ConfigError(
            "YAML needs PyYAML; run pip install 'pyasynq[yaml]', or write TOML or JSON"
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


_FORMATS: Mapping[str, Callable[[str], Any]] = {
    ".yaml": _load_yaml,
    ".yml": _load_yaml,
    ".toml": _load_toml,
    ".json": json.loads,
}


def _config_or_fault(given: object) -> PeriodicTaskConfig | EntryError:
    key = given.get("key") if isinstance(given, dict) else None
    try:
        return _config(given)
    except (ConfigError, PayloadError) as error:
        return EntryError(str(error), key=key)


def _config(given: object) -> PeriodicTaskConfig:
    if not isinstance(given, dict):
        raise ConfigError(f"it must be a table of names and values, not {type(given).__name__}")
    known = _OPTIONS | _POLICY | _TASK
    ConfigError.raise_if(
        [
            *(
                f"there is no {each!r}; {hint(str(each), known)}"
                for each in given
                if each not in known
            ),
            *(f"{each!r} is missing" for each in ("spec", "type") if each not in given),
        ]
    )
    read = {name: _value(name, value) for name, value in given.items()}
    return PeriodicTaskConfig(
        spec=read["spec"],
        task=_task(read),
        options=EnqueueOptions.from_keywords(_some(read, _OPTIONS)),
        **_some(read, _POLICY),
    )


def _task(read: Mapping[str, Any]) -> Task:
    payload = encode(read["payload"]) if "payload" in read else None
    return Task(read["type"], payload, headers=read.get("headers") or {})


def _some(read: Mapping[str, Any], names: frozenset[str]) -> dict[str, Any]:
    return {name: value for name, value in read.items() if name in names}


def _value(name: str, value: Any) -> Any:
    if name not in _DURATIONS or not isinstance(value, str):
        return value
    try:
        return timedelta(microseconds=parse_duration(value) // 1000)
    except PayloadError:
        raise ConfigError(
            f"{name} must be a number of seconds or text like '1h30m', not {value!r}"
        ) from None
