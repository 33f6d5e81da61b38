"""What Django does with pyasynq when it starts."""

from collections.abc import Mapping

from django.apps import AppConfig
from django.conf import settings as project_settings
from django.core import checks

OF_DJANGO = ("django.tasks.", "django_tasks.")


class PyasynqConfig(AppConfig):
    """Makes the App of the project, and imports the modules with its tasks."""

    name = "pyasynq.contrib.django"
    label = "pyasynq"
    verbose_name = "pyasynq"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Make the App and find its tasks.

        Raises:
            ConfigError: names every fault of the settings; or a module cannot be imported.
        """
        from pyasynq.contrib.django.checks import check_tasks  # noqa: PLC0415 - models come first
        from pyasynq.contrib.django.project import discover, project_app  # noqa: PLC0415 - likewise
        from pyasynq.contrib.django.settings import Settings  # noqa: PLC0415 - likewise

        settings = Settings.of_project()
        project_app()
        discover(settings.autodiscover)
        if aliases := other_backends():
            from pyasynq.contrib.django.tasks import register_backends  # noqa: PLC0415 - few do

            register_backends(aliases)
        checks.register(check_tasks, "pyasynq")


def other_backends() -> list[str]:
    """Return the aliases in TASKS of backends that may be ours; without any, nothing is loaded.

    Django says itself what is wrong with TASKS, and to an older one the setting means nothing.
    """
    tasks = getattr(project_settings, "TASKS", {})
    if not isinstance(tasks, Mapping):
        return []
    paths = {
        alias: str(params.get("BACKEND") or "django.tasks.")
        for alias, params in tasks.items()
        if isinstance(params, Mapping)
    }
    return [alias for alias, path in paths.items() if not path.startswith(OF_DJANGO)]
