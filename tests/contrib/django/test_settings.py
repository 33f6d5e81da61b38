"""``PYASYNQ`` in the settings of a project."""

import re
from datetime import timedelta
from inspect import signature
from pathlib import Path

import pytest

from pyasynq import ConfigError, EnqueueOptions, ServerConfig
from pyasynq.contrib.django import App
from pyasynq.contrib.django.settings import DECIDED_HERE, KNOWN, WEB_ARGUMENTS, Settings
from pyasynq.web import create_app

PAGE = Path(__file__).parents[3] / "docs" / "guides" / "django.md"


def never(error: BaseException) -> bool:
    return False


def app_of(given):
    settings = Settings.of(given)
    return App(settings.url, **settings.keywords)


def test_without_settings_everything_is_as_in_an_app():
    assert app_of({}).config == ServerConfig()


def test_every_keyword_is_a_setting_in_capitals():
    app = app_of(
        {
            "URL": "redis://queue.example:6380/1",
            "NAME": "shop",
            "QUEUES": {"critical": 6, "default": 3},
            "CONCURRENCY": 20,
            "SHUTDOWN_TIMEOUT": timedelta(seconds=20),
            "TASK_DEFAULTS": {"max_retry": 3, "timeout": 60},
            "ON_COMMIT": ["default"],
        }
    )

    assert (app.name, app.config.concurrency) == ("shop", 20)
    assert app.config.queues == {"critical": 6, "default": 3}
    assert app.config.shutdown_timeout == timedelta(seconds=20)
    assert app.source.describe() == "redis://queue.example:6380/1"
    assert app.task("x")(never_called).default_options == EnqueueOptions(max_retry=3, timeout=60)


def never_called() -> None: ...


def test_functions_may_be_named_by_their_path():
    app = app_of({"IS_FAILURE": f"{__name__}.never", "HEALTH_CHECK": "builtins.print"})

    assert app.config.is_failure.__name__ == "never"
    assert app.config.health_check is print


def test_every_fault_is_in_one_error():
    wrong = {
        "CONCURENCY": 5,
        "broker_url": "redis://x",
        "URL": "postgres://x",
        "QUEUES": {"default": 0},
        "LEASE_DURATION": "long",
        "TASK_DEFAULTS": {"retries": 3},
        "ON_COMMIT": "default",
        "AUTODISCOVER": "tasks",
        "IS_FAILURE": "no.such.thing",
    }

    with pytest.raises(ConfigError) as raised:
        Settings.of(wrong)

    text = "\n".join(raised.value.faults)
    for part in (
        "unknown setting 'CONCURENCY'; did you mean 'CONCURRENCY'?",
        "unknown setting 'broker_url'; did you mean 'URL'?",
        "postgres",
        "'default'",
        "lease_duration",
        "task_defaults: unknown option 'retries'",
        "on_commit must be True, False or a list of aliases",
        "AUTODISCOVER must be a list of names of modules",
        "IS_FAILURE is 'no.such.thing', which cannot be imported",
    ):
        assert part in text
    assert all(each.startswith("PYASYNQ: ") for each in raised.value.faults)


@pytest.mark.parametrize("given", [None, [], "redis://localhost"])
def test_what_is_no_dict_is_refused(given):
    with pytest.raises(ConfigError, match="PYASYNQ in the settings is a dict"):
        Settings.of(given)


def test_a_password_in_a_wrong_url_is_not_told():
    with pytest.raises(ConfigError) as raised:
        Settings.of({"URL": "redis://:secret@host:port/0"})

    assert "secret" not in str(raised.value)


def test_an_app_of_its_own_has_its_own_settings():
    with pytest.raises(ConfigError, match="APP has settings of its own; give CONCURRENCY where"):
        Settings.of({"APP": "shop.queue:app", "CONCURRENCY": 3})
    with pytest.raises(ConfigError, match="APP must be text such as"):
        Settings.of({"APP": "shop.queue"})

    assert Settings.of({"APP": "shop.queue:app"}).app == "shop.queue:app"


@pytest.mark.parametrize("nothing", [False, None, [], ()])
def test_discovery_can_be_switched_off(nothing):
    assert Settings.of({"AUTODISCOVER": nothing}).autodiscover == ()


def test_arguments_of_the_web_ui_that_there_are_not_are_refused_at_the_start():
    with pytest.raises(ConfigError, match="WEB: unknown argument 'titles'; did you mean 'title'"):
        Settings.of({"WEB": {"titles": "Shop"}})


def test_every_argument_of_the_web_ui_is_known():
    assert {*WEB_ARGUMENTS, *DECIDED_HERE} == set(signature(create_app).parameters)


def test_every_setting_is_in_the_guide():
    table = re.findall(r"^\| (.*?) \|", PAGE.read_text(), re.MULTILINE)
    named = {name for row in table for name in re.findall(r"`([A-Z_]+)`", row)}

    assert set(KNOWN) - named == set()
