"""The arguments of `create_app`, checked."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pyasynq.admin.redaction import Redactor
from pyasynq.web.access.gate import access_fault, auth_fault
from pyasynq.web.formatting import LENGTH, Formatter

MOST_LENGTH = 10_000_000
MOST_IN_A_JOB = 2**53
LONGEST_WORDS = 60  # of the title and the badge


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """What `create_app` was given; see there."""

    root_path: str = ""
    read_only: bool = False
    auth: Any = None
    access: Any = "admin"
    allowed_hosts: Collection[str] = ()
    payload_formatter: Formatter | None = None
    result_formatter: Formatter | None = None
    max_payload_length: int | None = LENGTH
    max_result_length: int | None = LENGTH
    redactor: Redactor | None = None
    prometheus_url: str = ""
    metrics: bool = True
    bulk_limit: int | None = None
    enqueue_enabled: bool = False
    title: str = "pyasynq"
    badge: str = ""

    def faults(self) -> Iterator[str | None]:
        """Yield what is wrong; None for what is good."""
        yield _root_path_fault(self.root_path)
        for name in ("read_only", "enqueue_enabled", "metrics"):
            if not isinstance(getattr(self, name), bool):
                yield f"{name} must be True or False, not {getattr(self, name)!r}"
        yield auth_fault(self.auth)
        yield access_fault(self.access)
        yield _hosts_fault(self.allowed_hosts)
        for name in ("payload_formatter", "result_formatter", "redactor"):
            given = getattr(self, name)
            if given is not None and not callable(given):
                yield f"{name} must be a function, not {type(given).__name__}"
        for name in ("max_payload_length", "max_result_length"):
            yield _length_fault(name, getattr(self, name))
        yield _prometheus_fault(self.prometheus_url)
        yield _bulk_fault(self.bulk_limit)
        for name in ("title", "badge"):
            yield _words_fault(name, getattr(self, name))


def _root_path_fault(given: object) -> str | None:
    if not isinstance(given, str):
        return f"root_path must be text, not {type(given).__name__}"
    if given and not given.startswith("/"):
        return f"root_path must begin with a slash, as in '/tasks', unlike {given!r}"
    if any(not "!" <= each <= "~" or each in "?#%\\" for each in given) or "//" in given:
        return f"root_path must be a plain path, such as '/tasks', not {given!r}"
    if given.rstrip("/") == "/api":
        return "root_path must not be '/api', which is what the API is called below it"
    return None


def _hosts_fault(given: object) -> str | None:
    is_list = isinstance(given, Collection) and not isinstance(given, str)
    if is_list and all(isinstance(each, str) and each for each in given):  # type: ignore[attr-defined]  # it is one
        return None
    return f"allowed_hosts must be a list of names of hosts, not {given!r}"


def _length_fault(name: str, given: object) -> str | None:
    if given is None or _is_number(given, 0, MOST_LENGTH):
        return None
    return f"{name} must be a number of characters from 0 to {MOST_LENGTH:,}, or None"


def _bulk_fault(given: object) -> str | None:
    if given is None or _is_number(given, 1, MOST_IN_A_JOB):
        return None
    return f"bulk_limit must be a number of tasks, at least 1, or None, not {given!r}"


def _is_number(given: object, least: int, most: int) -> bool:
    return isinstance(given, int) and not isinstance(given, bool) and least <= given <= most


def _words_fault(name: str, given: object) -> str | None:
    if isinstance(given, str) and len(given) <= LONGEST_WORDS and given.isprintable():
        return None
    return f"{name} must be printable text of at most {LONGEST_WORDS} characters, not {given!r}"


def _prometheus_fault(given: object) -> str | None:
    if given == "":
        return None
    try:
        parts = urlsplit(given) if isinstance(given, str) else None
        if parts and parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return None
    except ValueError:
        pass
    return "prometheus_url must be a URL such as 'http://127.0.0.1:9090'"
