"""The App of the project, and where its tasks are found."""

import sys

import django.apps
import pytest
from django.conf import settings
from django.core import checks
from django.test import override_settings
from django.utils.functional import empty

import pyasynq.contrib.django
from pyasynq import ConfigError
from pyasynq.contrib.django import App, app, at_once
from pyasynq.contrib.django.apps import other_backends
from pyasynq.contrib.django.checks import check_tasks
from pyasynq.contrib.django.project import app_of, discover
from pyasynq.contrib.django.set_up import set_up
from pyasynq.contrib.django.settings import Settings
from tests.support.django_shop import tasks

plain = object()
own = App(name="own")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Installs an app of Django whose tasks.py has a text, and discovers its tasks."""

    def install(text, name):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "tasks.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        with override_settings(INSTALLED_APPS=[name]):
            discover(("tasks",))
        return sys.modules[f"{name}.tasks"]

    return install


def test_the_app_is_made_once_from_the_settings():
    assert app is pyasynq.contrib.django.app
    assert (app.name, app.config.queues) == ("tested", {"default": 2, "low": 1})


def test_tasks_of_every_installed_app_are_found():
    assert app.tasks["order:confirm"] is tasks.confirm


def test_an_app_without_tasks_is_no_error(tmp_path, monkeypatch):
    (tmp_path / "taskless.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = [each.name for each in django.apps.apps.get_app_configs()]

    assert "django.contrib.auth" in found
    discover(("tasks", "no_such_module"))


def test_a_module_that_cannot_be_imported_is_named_with_the_line(installed):
    with pytest.raises(ConfigError) as raised:
        installed("\nimport no_such_library\n", "broken_shop")

    assert str(raised.value).startswith(
        "broken_shop.tasks, which has tasks, cannot be imported: ModuleNotFoundError: "
        "No module named 'no_such_library' ("
    )
    assert str(raised.value).endswith("broken_shop/tasks.py:2)")


def test_a_module_that_is_no_python_is_named_with_the_line(installed):
    with pytest.raises(ConfigError, match=r"SyntaxError.*odd_shop/tasks.py:2\)"):
        installed("x = 1\ndef (:\n", "odd_shop")


def test_a_type_that_is_registered_twice_names_both_places(installed):
    text = "from pyasynq.contrib.django import app\n@app.task('audit')\ndef other(): ...\n"

    with pytest.raises(ConfigError, match=r"'audit' is registered twice: at .*tasks.py:\d+ and"):
        installed(text, "doubled_shop")


@pytest.mark.parametrize(
    ("tasks", "found"),
    [
        ({"default": {"BACKEND": "shop.Own"}, "x": {"BACKEND": "django.tasks.x"}}, ["default"]),
        ({"default": {}, "x": None, "y": {"BACKEND": None}}, []),
        (["wash", "iron"], []),
    ],
)
def test_what_is_wrong_with_tasks_of_django_does_not_stop_the_start(tasks, found):
    with override_settings(TASKS=tasks):
        assert other_backends() == found


def test_an_app_of_its_own_may_be_named():
    assert app_of(Settings.of({"APP": f"{__name__}:own"})) is own


@pytest.mark.parametrize(
    ("named", "fault"),
    [
        (f"{__name__}:plain", "is object, and no App of pyasynq.contrib.django"),
        (f"{__name__}:nothing", "cannot be found: .* has no attribute 'nothing'"),
        ("no_such_module:app", "cannot be found: No module named"),
    ],
)
def test_what_is_no_app_is_refused(named, fault):
    with pytest.raises(ConfigError, match=fault):
        app_of(Settings.of({"APP": named}))


def test_settings_that_cannot_be_found_are_named(monkeypatch):
    monkeypatch.setattr(django.apps.apps, "ready", False)
    monkeypatch.setattr(django.apps.apps, "loading", False)
    monkeypatch.setattr(settings, "_wrapped", empty)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "no_such_shop.settings")

    with pytest.raises(ConfigError) as raised:
        set_up()

    assert str(raised.value) == (
        "DJANGO_SETTINGS_MODULE is 'no_such_shop.settings', which cannot be imported: No module "
        "named 'no_such_shop'; run this where manage.py is"
    )


def test_checks_find_nothing_in_a_project_that_is_right():
    assert checks.run_checks(tags=["pyasynq"]) == []


def test_checks_name_tasks_of_queues_that_no_worker_serves(monkeypatch):
    lost = App(queues={"mail": 1})
    lost.task("lost", queue="male")(serve)
    monkeypatch.setattr("pyasynq.contrib.django.checks.project_app", lambda: lost)

    (found,) = check_tasks()

    assert (found.id, found.level) == ("pyasynq.W001", checks.WARNING)
    assert "task 'lost' at " in found.msg
    assert "goes to queue 'male', which PYASYNQ['QUEUES'] does not name" in found.msg


def test_checks_name_handlers_that_no_process_could_find(monkeypatch):
    lost = App()
    lost.task("lost", executor="process")(serve)
    monkeypatch.setattr("pyasynq.contrib.django.checks.project_app", lambda: lost)
    monkeypatch.delattr(sys.modules[__name__], "serve")

    (found,) = check_tasks()

    assert (found.id, found.level) == ("pyasynq.E001", checks.ERROR)


def serve() -> None: ...


def test_a_task_that_is_sent_at_once_is_the_same_task():
    assert at_once(tasks.confirm).spec is tasks.confirm.spec
    assert repr(at_once(tasks.confirm)) == repr(tasks.confirm)


def test_names_that_there_are_not_are_attribute_errors():
    with pytest.raises(AttributeError, match="has no attribute 'shared_task'"):
        _ = pyasynq.contrib.django.shared_task
