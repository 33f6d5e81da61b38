"""A project of Django in this test process, which Django allows to be set up once only.

Its databases are files of SQLite, so that every thread has a connection of its own to them.
"""

import atexit
import functools
import os
import shutil
import tempfile
import time

import django
from django.core.management import call_command
from django.db import connections
from django.http import HttpRequest, HttpResponse

HOME = "the page of the application"
SETTINGS = "tests.support.django_shop.settings"
FOLDER = "DJANGO_TEST_FOLDER"


def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(HOME)


@functools.cache
def set_up() -> None:
    """Set Django up in this process, with empty databases."""
    folder = tempfile.mkdtemp(prefix="pyasynq-django-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ[FOLDER] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    zone = os.environ.get("TZ")
    try:
        django.setup()
    finally:  # programs of other tests are in no project of Django, nor in its time zone
        del os.environ["DJANGO_SETTINGS_MODULE"]
        os.environ.pop("TZ", None)
        if zone is not None:
            os.environ["TZ"] = zone
        time.tzset()


@functools.cache
def make_tables() -> None:
    """Make the tables of all apps in the first database, and those of the shop in both."""
    from tests.support.django_shop.models import Order

    call_command("migrate", run_syncdb=True, verbosity=0)
    with connections["other"].schema_editor() as editor:
        editor.create_model(Order)
