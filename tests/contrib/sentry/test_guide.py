"""The guide to Sentry: its code is run as it stands there, and what it says is what happens."""

import re
from pathlib import Path

import sentry_sdk

from pyasynq import App
from pyasynq.contrib.sentry import PyasynqIntegration
from tests.support.sentry import DSN, reporting

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "sentry.md"


def test_the_code_of_the_guide_reports_a_task_with_its_tags(monkeypatch):
    start, settings, handler = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    app = App("redis://nowhere.invalid", queues={"default": 1, "orders": 1})
    names = {"DSN": DSN, "app": app, "sentry_sdk": sentry_sdk}
    given = []
    monkeypatch.setattr(
        sentry_sdk, "init", lambda _dsn, *, integrations: given.extend(integrations)
    )
    exec(start, names)
    exec(settings, names)
    exec(handler, names)
    monkeypatch.undo()

    with reporting(given) as kept, app.testing() as harness:
        names["ship"].enqueue(7)
        harness.run_all()

    (event,) = kept.events
    rows = re.findall(r"^\| `(\w+)` \| `", GUIDE.read_text(), re.MULTILINE)
    assert set(rows) >= {"task_type", "task_id", "queue", "attempt"}
    assert event["tags"].keys() == {"task_type", "task_id", "queue", "attempt", "order"}
    assert [each["message"] for each in event["breadcrumbs"]["values"]] == ["looks for the address"]


def test_the_arguments_are_those_of_the_guide():
    rows = re.findall(r"^\| `(\w+)` \| `(\S+)` \|", GUIDE.read_text(), re.MULTILINE)
    defaults = {
        name: value
        for name, value in rows
        if name in PyasynqIntegration().settings.__struct_fields__
    }

    settings = PyasynqIntegration().settings
    assert defaults == {
        name: f'"{value}"' if isinstance(value := getattr(settings, name), str) else str(value)
        for name in settings.__struct_fields__
    }
