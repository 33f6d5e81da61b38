"""Fixtures for tests in a project of Django, which is set up once in a test process."""

import pytest
from asgiref.sync import SyncToAsync

from tests.conftest import LEFT_BEHIND
from tests.support import django_project

django_project.set_up()


@pytest.fixture(scope="session", autouse=True)
def lasting_thread():
    """The thread of asgiref in which coroutines use the models; it lasts as long as the process."""
    with LEFT_BEHIND.lasting():
        SyncToAsync.single_thread_executor.submit(int).result()


@pytest.fixture
def database():
    """Two databases with the tables of the shop, which are empty."""
    from django.db import connections

    from tests.support.django_shop.models import Order

    django_project.make_tables()
    for name in ("default", "other"):
        Order.objects.using(name).all().delete()
    yield
    connections.close_all()


@pytest.fixture
def harness(database):
    """The App of the project in a test: a Redis of its own, and handlers that run on demand."""
    from pyasynq.contrib.django import app

    with app.testing() as harness:
        yield harness


@pytest.fixture
def on_redis(database, redis_url, monkeypatch):
    """The App of the project on the Redis of the test."""
    from pyasynq.contrib.django import app

    monkeypatch.setenv("PYASYNQ_REDIS_URL", redis_url)
    yield app
    app.close()
