"""``PYASYNQ`` in the settings of a project: read and checked at once, every fault in one error."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self

import msgspec
from django.conf import settings as project_settings
from django.utils.module_loading import import_string

from pyasynq.app.advice import on_source
from pyasynq.connection.connector import ConnectionSource
from pyasynq.contrib.django.application import App
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.spelling import hint, nearest
from pyasynq.worker.config import setting_kinds
from pyasynq.worker.setting import Function

NAME = "PYASYNQ"

OWN = ("URL", "APP", "AUTODISCOVER", "ON_COMMIT", "ON_COMMIT_ERRORS", "WEB")
NOT_OF_THE_APP = ("URL", "APP", "AUTODISCOVER", "WEB")
OF_THE_APP = (
    "NAME",
    "TASK_DEFAULTS",
    "ON_INVALID_PAYLOAD",
    "ON_INVALID_RESULT",
    "ENQUEUE_PATIENCE",
    "CLOCK",
)
OF_THE_SERVER = tuple(name.upper() for name in setting_kinds())
KNOWN = (*OWN, *OF_THE_APP, *OF_THE_SERVER)

DECIDED_HERE = ("connection", "root_path", "auth", "access")

# Of create_app, which is in an extra that is not loaded before somebody opens the page.
WEB_ARGUMENTS = (
    "read_only",
    "allowed_hosts",
    "payload_formatter",
    "result_formatter",
    "max_payload_length",
    "max_result_length",
    "redactor",
    "prometheus_url",
    "metrics",
    "bulk_limit",
    "enqueue_enabled",
    "title",
    "badge",
)

OTHER_WORDS = {
    **dict.fromkeys(("BROKER", "BROKER_URL", "REDIS", "REDIS_URL", "CONNECTION"), "URL"),
    "HOST": "URL",
    "ENQUEUE_ON_COMMIT": "ON_COMMIT",
    "WORKERS": "CONCURRENCY",
    "QUEUE": "QUEUES",
}

# What may be given as the dotted path of a function or an object, since it is often the project's.
_IMPORTED = {
    *(name.upper() for name, kind in setting_kinds().items() if isinstance(kind, Function)),
    "CLOCK",
}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a project says about its App.

    Attributes:
        url: where Redis is; None if the environment says it.
        app: an App of its own, as "module:name"; None if the App is made of these settings.
        autodiscover: names of the modules that are looked for in every installed app.
        web: arguments of `pyasynq.web.create_app`.
        keywords: what the App takes.
    """

    url: ConnectionSource = None
    app: str | None = None
    autodiscover: tuple[str, ...] = ("tasks",)
    web: dict[str, Any] = {}
    keywords: dict[str, Any] = {}

    @classmethod
    def of_project(cls) -> Self:
        """Return what the settings of Django say.

        Raises:
            ConfigError: names every fault.
        """
        return cls.of(getattr(project_settings, NAME, {}))

    @classmethod
    def of(cls, given: object) -> Self:
        """Return what *given* says, the value of the setting ``PYASYNQ``.

        Raises:
            ConfigError: names every fault.
        """
        if not isinstance(given, Mapping):
            raise ConfigError(f"{NAME} in the settings is a dict, not {type(given).__name__}")
        faults = [*_unknown(given)]
        values = {name: value for name, value in given.items() if name in KNOWN}
        keywords = {
            name.lower(): _value(name, value, faults)
            for name, value in values.items()
            if name not in NOT_OF_THE_APP
        }
        app, names = values.get("APP"), values.get("AUTODISCOVER", ("tasks",))
        web = values.get("WEB", {})
        own = _app_fault(app, values), _names_fault(names), _web_fault(web)
        faults += [each for each in own if each]
        if app is None:
            faults += _faults_of_app(values.get("URL"), keywords)
        ConfigError.raise_if(f"{NAME}: {each}" for each in faults)
        return cls(
            url=values.get("URL"),
            app=app,
            autodiscover=tuple(names or ()),
            web=dict(web),
            keywords=keywords,
        )


def _unknown(given: Mapping[Any, Any]) -> Iterator[str]:
    for name in given:
        if name in KNOWN:
            continue
        word = str(name).upper()
        near = word if word in KNOWN else OTHER_WORDS.get(word) or nearest(word, KNOWN)
        advice = f"did you mean {near!r}?" if near else f"use one of {', '.join(KNOWN)}"
        yield f"unknown setting {name!r}; {advice}"


def _value(name: str, value: object, faults: list[str]) -> object:
    """Return what the App takes for a setting; what is wrong with it is added to *faults*."""
    if name == "TASK_DEFAULTS" and isinstance(value, Mapping):
        try:
            return EnqueueOptions.from_keywords({str(each): value[each] for each in value})
        except ConfigError as error:
            faults += [f"task_defaults: {each}" for each in error.faults]
            return EnqueueOptions()
    if name in _IMPORTED and isinstance(value, str):
        try:
            return import_string(value)
        except ImportError as error:
            faults.append(f"{name} is {value!r}, which cannot be imported: {error}")
            return None
    return value


def _app_fault(app: object, values: Mapping[str, Any]) -> str | None:
    if app is None:
        return None
    if not isinstance(app, str) or not app.partition(":")[2]:
        return f"APP must be text such as 'shop.queue:app', not {app!r}"
    others = [each for each in values if each == "URL" or each not in NOT_OF_THE_APP]
    if others:
        return f"APP has settings of its own; give {', '.join(others)} where it is made"
    return None


def _web_fault(web: object) -> str | None:
    if not isinstance(web, Mapping) or not all(isinstance(each, str) for each in web):
        return f"WEB must be a dict of arguments of create_app, not {type(web).__name__}"
    decided = [each for each in DECIDED_HERE if each in web]
    if decided:
        return f"WEB cannot say {', '.join(decided)}: the admin of Django decides that"
    unknown = next((each for each in web if each not in WEB_ARGUMENTS), None)
    if unknown is not None:
        return f"WEB: unknown argument {unknown!r}; {hint(unknown, WEB_ARGUMENTS)}"
    return None


def _names_fault(names: object) -> str | None:
    if names is False or names is None:
        return None
    if isinstance(names, Sequence) and not isinstance(names, str):
        wrong = [each for each in names if not isinstance(each, str) or not each.isidentifier()]
        if not wrong:
            return None
    return f"AUTODISCOVER must be a list of names of modules such as ['tasks'], not {names!r}"


def _faults_of_app(url: Any, keywords: Mapping[str, Any]) -> tuple[str, ...]:
    faults: tuple[str, ...] = ()
    if fault := on_source(url):
        faults, url = (fault.replace("the first argument", "URL"),), None
    try:
        App(url, **keywords)
    except ConfigError as error:
        return (*faults, *error.faults)
    return faults
