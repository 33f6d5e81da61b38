"""What to write instead: for calls and settings as other task queues have them."""

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from pyasynq.options import EnqueueOptions
from pyasynq.spelling import OTHER_WORDS, meant

OPTIONS = EnqueueOptions.__dataclass_fields__.keys()

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENQUEUE = "enqueue(…), or `await aenqueue(…)` in async code"
_WITH_OPTIONS = "options(process_in=…).enqueue(…)"
_MANY = "enqueue_many([…])"
_CALLS: Mapping[str, str] = {
    "apply": _ENQUEUE,
    "apply_async": _WITH_OPTIONS,
    "call_later": _WITH_OPTIONS,
    "defer": _ENQUEUE,
    "delay": _ENQUEUE,
    "enqueue_at": "options(process_at=…).enqueue(…)",
    "enqueue_in": _WITH_OPTIONS,
    "kiq": _ENQUEUE,
    "kicker": _WITH_OPTIONS,
    "map": _MANY,
    "message": "bind(…)",
    "s": "bind(…)",
    "schedule": _WITH_OPTIONS,
    "send": _ENQUEUE,
    "send_with_options": _WITH_OPTIONS,
    "si": "bind(…)",
    "signature": "bind(…)",
    "starmap": _MANY,
    "submit": _ENQUEUE,
}
_REDIS = ("broker", "broker_url", "connection", "redis", "redis_settings", "redis_url", "url")


def on_call(name: str) -> str | None:
    """Return what to write instead of the method *name* of a task; None if nothing is known."""
    return _CALLS.get(name)


def on_arguments(name: str, function: Callable[..., Any], given: Collection[str]) -> str | None:
    """Return what to write instead of options that were passed to *function* as its arguments."""
    taken = inspect.signature(function).parameters
    options = [each for each in given if each not in taken and _option_of(each)]
    if not options:
        return None
    written = ", ".join(f"{_option_of(each)}=…" for each in options)
    return f"for options write {name}.options({written}).enqueue(…)"


def on_setting(given: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield a fault for each setting of an App that is unknown, with the one that may be meant."""
    for name in given:
        if name in known:
            continue
        if name in _REDIS:
            hint = 'where Redis is comes first, as in App("redis://localhost:6379")'
        elif _option_of(name) and name != "queue":
            hint = f"options of all tasks are task_defaults=EnqueueOptions({_option_of(name)}=…)"
        else:
            near = meant(name, known)
            hint = f"did you mean {near!r}?" if near else f"use one of {', '.join(known)}"
        yield f"unknown setting {name!r}; {hint}"


def on_option(given: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield a fault for each option of a decorator that is unknown."""
    for name in given:
        if name in known:
            continue
        if name in ("name", "type", "task_name"):
            hint = 'the task type comes first, as in @app.task("email:welcome")'
        else:
            near = meant(name, known)
            hint = f"did you mean {near!r}?" if near else f"use one of {', '.join(known)}"
        yield f"unknown option {name!r}; {hint}"


def on_source(source: object) -> str | None:
    """Return what to write instead of a *source* that is a name, not a URL; None if it is none."""
    if not isinstance(source, str) or ":" in source or not source.isidentifier():
        return None
    return f"{source!r} is not the URL of a Redis; to name the App write App(name={source!r})"


def on_swapped(queue: str, task_id: str) -> str | None:
    """Return what to write instead if *queue* is the ID of a task; None if it is not."""
    if _UUID.fullmatch(queue) and not _UUID.fullmatch(task_id):
        return f"{queue!r} is the ID of a task; write task_handle({task_id!r}, {queue!r})"
    return None


def _option_of(name: str) -> str | None:
    if name in OPTIONS:
        return name
    other = OTHER_WORDS.get(name)
    return other if other in OPTIONS else None
