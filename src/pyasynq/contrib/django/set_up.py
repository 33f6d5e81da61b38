"""Setting Django up where a program begins with pyasynq, and not with ``manage.py``."""

import os

import django
from django.apps import apps
from django.conf import ENVIRONMENT_VARIABLE

from pyasynq.errors import ConfigError


def set_up() -> None:
    """Set Django up, unless that is done or under way; safe to repeat.

    Raises:
        ConfigError: there is no module of the name that the environment has for the settings.
        ImproperlyConfigured: no settings are named.
    """
    if apps.ready or apps.loading:
        return
    try:
        django.setup()
    except ModuleNotFoundError as error:
        named = os.environ.get(ENVIRONMENT_VARIABLE, "")
        if not error.name or not f"{named}.".startswith(f"{error.name}."):
            raise  # it is something else that the project needs
        raise ConfigError(
            f"{ENVIRONMENT_VARIABLE} is {named!r}, which cannot be imported: {error}; "
            "run this where manage.py is"
        ) from error
