from django.contrib import admin
from django.urls import path

from tests.support.django_project import home

urlpatterns = [path("", home), path("admin/", admin.site.urls)]
