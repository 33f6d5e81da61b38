"""The web UI in Django's admin, for whoever may view, change or delete background tasks."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from pyasynq.contrib.django.models import BackgroundTask
from pyasynq.contrib.django.web_view import answer

ROLES: tuple[tuple[str, str], ...] = (("delete", "admin"), ("change", "operate"), ("view", "read"))


@admin.register(BackgroundTask)
class BackgroundTaskAdmin(admin.ModelAdmin):
    """Leads from the index of the admin to the web UI, in place of a list of rows."""

    actions: ClassVar[Any] = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return that nobody adds a task by a form."""
        del request
        return False

    def get_urls(self) -> list[Any]:
        """Return the paths of the web UI; the admin asks who somebody is."""
        # Other sites are kept off by the web UI itself, which compares the origin.
        page = self.admin_site.admin_view(csrf_exempt(self.show), cacheable=True)
        name = "pyasynq_backgroundtask_changelist"
        return [path("", page, name=name), path("<path:rest>", page)]

    def show(self, request: HttpRequest, rest: str = "") -> Any:
        """Answer a request with a page of the web UI."""
        del rest  # it is in the path of the request
        root = reverse(f"{self.admin_site.name}:pyasynq_backgroundtask_changelist")
        return answer(request, role=role_of(request.user), root=root.rstrip("/"))


def role_of(user: Any) -> str:
    """Return the role that the permissions of a user stand for."""
    for permission, role in ROLES:
        if user.has_perm(f"pyasynq.{permission}_backgroundtask"):
            return role
    return "none"
