"""What pages for users of other queues advise is what pyasynq itself answers them."""

import re

import pytest

from pyasynq import App, ConfigError
from tests.support.pages import DOCS

PAGES = ("coming-from-other-queues", "migrating-from-celery", "migrating-from-rq")
EAGER = re.compile(r"`(task_always_eager|is_async=False)`")


@pytest.mark.parametrize("page", PAGES)
def test_who_ran_tasks_at_once_in_tests_finds_the_eager_mode(page):
    rows = [
        row for row in (DOCS / f"guides/{page}.md").read_text().splitlines() if EAGER.search(row)
    ]

    assert rows != []
    assert [row for row in rows if "app.testing(eager=True)" not in row] == []


def test_the_setting_of_celery_is_answered_with_the_eager_mode():
    with pytest.raises(ConfigError, match=r"app\.testing\(eager=True\)"):
        App(task_always_eager=True)
