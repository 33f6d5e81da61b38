"""The web UI in Django's admin."""

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import AsyncClient, Client, override_settings

from pyasynq import ConfigError
from pyasynq.contrib.django import app
from pyasynq.contrib.django.admin import role_of
from pyasynq.contrib.django.settings import Settings
from pyasynq.contrib.django.web_view import web_application
from tests.support.django_shop.tasks import confirm

ROOT = "/admin/pyasynq/backgroundtask"
SAME_SITE = {"HTTP_SEC_FETCH_SITE": "same-origin"}
PAUSE = f"{ROOT}/api/queues/default:pause"


@pytest.fixture
def project(on_redis):
    """The project on a Redis that has a task."""
    confirm.options(task_id="one").enqueue(1)
    yield on_redis
    web_application(on_redis.source, ROOT).close()
    web_application.cache_clear()


@pytest.fixture
def log_in(database):
    """Logs somebody in who is staff and has some permissions."""

    def log_in(*permissions, client=None, **is_what):
        user = User.objects.create(username="ann", **{"is_staff": True, **is_what})
        for each in permissions:
            user.user_permissions.add(Permission.objects.get(codename=f"{each}_backgroundtask"))
        client = client or Client()
        client.force_login(user)
        return client

    yield log_in
    User.objects.all().delete()


def test_the_index_of_the_admin_leads_to_the_web_ui(project, log_in):
    client = log_in("view")

    index = client.get("/admin/").content.decode()
    page = client.get(f"{ROOT}/")

    assert f'href="{ROOT}/"' in index
    assert page.status_code == 200
    assert f'href="{ROOT}/queues/default' in page.content.decode()


def test_who_is_not_logged_in_is_asked_to(project):
    answer = Client().get(f"{ROOT}/")

    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("is_staff", [True, False])
def test_who_has_no_permission_sees_nothing(project, log_in, is_staff):
    client = log_in(is_staff=is_staff)

    assert client.get(f"{ROOT}/").status_code in (302, 403)
    assert client.get(f"{ROOT}/api/queues").status_code in (302, 403)
    assert ROOT not in client.get("/admin/").content.decode()


@pytest.mark.parametrize(
    ("permissions", "pausing", "deleting"),
    [(["view"], 403, 403), (["view", "change"], 204, 403), (["delete"], 204, 204)],
)
def test_permissions_are_roles(project, log_in, permissions, pausing, deleting):
    client = log_in(*permissions)

    paused = client.post(PAUSE, **SAME_SITE)
    deleted = client.delete(f"{ROOT}/api/queues/default/pending_tasks/one", **SAME_SITE)

    assert client.get(f"{ROOT}/").status_code == 200
    assert (paused.status_code, deleted.status_code) == (pausing, deleting)


def test_a_superuser_is_admin(log_in):
    log_in(is_superuser=True)

    assert role_of(User.objects.get()) == "admin"


def test_another_site_cannot_use_the_session(project, log_in):
    client = log_in("delete")

    foreign = client.post(PAUSE, HTTP_SEC_FETCH_SITE="cross-site")
    unknown = client.post(PAUSE)

    assert (foreign.status_code, unknown.status_code) == (403, 403)


def test_a_visitor_cannot_name_a_role(project, log_in):
    client = log_in("view")
    forged = {"HTTP_PYASYNQ_ROLE": "admin", "pyasynq.role": "admin", **SAME_SITE}

    assert client.post(PAUSE, **forged).status_code == 403


def test_who_did_something_is_in_the_audit_log(project, log_in, caplog):
    caplog.set_level("INFO", "pyasynq.admin")
    log_in("change").post(PAUSE, **SAME_SITE)

    (line,) = [each for each in caplog.records if each.name == "pyasynq.admin"]
    assert line.who.startswith("ann from ")


async def test_it_is_the_same_under_asgi(project, database):
    user = await User.objects.acreate(username="bob", is_staff=True, is_superuser=True)
    client = AsyncClient()
    await client.aforce_login(user)

    page = await client.get(f"{ROOT}/")
    paused = await client.post(PAUSE, headers={"sec-fetch-site": "same-origin"})
    await user.adelete()

    assert (page.status_code, paused.status_code) == (200, 204)


def test_what_a_page_needs_comes_along(project, log_in):
    client = log_in("view")
    page = client.get(f"{ROOT}/").content.decode()
    sheet = page.partition('rel="stylesheet" href="')[2].partition('"')[0]

    answer = client.get(sheet)

    assert (answer.status_code, answer["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "max-age" in answer["Cache-Control"]


def test_a_file_is_streamed(project, log_in):
    answer = log_in("view").get(f"{ROOT}/api/x/export?format=jsonl&query=state:pending")

    (line,) = b"".join(answer.streaming_content).splitlines()
    assert json.loads(line)["id"] == "one"


def test_live_events_are_refused_without_a_mail_to_the_admins(project, log_in, caplog):
    answer = log_in("view").get(f"{ROOT}/api/x/events")

    assert answer.status_code == 503
    assert [each for each in caplog.records if each.name == "django.request"] == []


def test_arguments_of_the_web_ui_are_settings(project, log_in, monkeypatch):
    monkeypatch.setattr("django.conf.settings.PYASYNQ", {"WEB": {"title": "Shop & sons"}})

    assert "Shop &amp; sons" in log_in("view").get(f"{ROOT}/").content.decode()


@pytest.mark.parametrize(
    ("web", "fault"),
    [
        ({"auth": ("ann", "x")}, "WEB cannot say auth: the admin of Django decides that"),
        ("read", "WEB must be a dict of arguments of create_app, not str"),
    ],
)
def test_wrong_arguments_of_the_web_ui_are_refused(web, fault):
    with pytest.raises(ConfigError, match=fault):
        Settings.of({"WEB": web})


@override_settings(MIGRATION_MODULES={})
def test_no_table_and_no_migration_is_made(database, capsys):
    from django.db import connection

    call_command("makemigrations", "--check", "--dry-run", verbosity=0)

    assert not [each for each in connection.introspection.table_names() if "background" in each]
    assert capsys.readouterr().out == ""


def test_without_the_extra_it_says_what_is_missing(project, log_in, monkeypatch):
    web_application(app.source, ROOT).close()
    web_application.cache_clear()
    with monkeypatch.context() as missing:
        missing.setitem(__import__("sys").modules, "a2wsgi", None)
        answer = log_in("view").get(f"{ROOT}/")

    assert answer.status_code == 501
    assert "pip install 'pyasynq[django,web]'" in answer.content.decode()
