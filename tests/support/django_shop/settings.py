"""Settings of a project of Django for tests."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["DJANGO_TEST_FOLDER"])


def _database(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": FOLDER / f"{name}.sqlite3",
        "OPTIONS": {"init_command": "PRAGMA synchronous=OFF"},
    }


ALLOWED_HOSTS = ["*"]
DATABASES = {"default": _database("default"), "other": _database("other")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    *(["django_tasks"] if find_spec("django_tasks") else []),
    "pyasynq.contrib.django",
    "tests.support.django_shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIGRATION_MODULES = dict.fromkeys(("admin", "auth", "contenttypes", "sessions"))  # they take time
PYASYNQ = {"NAME": "tested", "QUEUES": {"default": 2, "low": 1}}
ROOT_URLCONF = "tests.support.django_shop.urls"
SECRET_KEY = "of a test"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
USE_TZ = True
_BACKEND = "pyasynq.contrib.django.tasks.PyasynqBackend"
TASKS = {
    "default": {"BACKEND": _BACKEND, "QUEUES": ["default", "low"]},
    "retrying": {"BACKEND": _BACKEND, "OPTIONS": {"MAX_RETRY": 2, "RETENTION": 60}},
    "any": {"BACKEND": _BACKEND, "QUEUES": []},
}
