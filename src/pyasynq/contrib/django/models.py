"""What Django's admin shows, and gives permissions for; nothing of it is in a database."""

from django.db import models


class BackgroundTask(models.Model):  # noqa: DJ008 - there is never one
    """Tasks in Redis. Who may view, change or delete them has a role in the web UI."""

    class Meta:
        """There is no table, and nobody adds a task by a form."""

        managed = False
        default_permissions = ("view", "change", "delete")
        verbose_name = "background task"
