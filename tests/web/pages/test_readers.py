"""Whoever may only look sees no button that changes anything, on any page."""

import re

import pytest

from tests.support import demo
from tests.support.web import page_paths, path_of

FORMS = re.compile(r"<form\b[^>]*>")
OWN = re.compile(r'method="get"|method="dialog"|role="search"|action="/settings"')
TICKS = re.compile(r'<input type="checkbox"[^>]* data-tick')


def acts_of(page):
    """The forms that may change something, and the boxes that choose for what."""
    forms = [each for each in FORMS.findall(page) if "method=" in each and not OWN.search(each)]
    return forms + TICKS.findall(page)


@pytest.mark.parametrize("settings", [{"access": "read"}, {"read_only": True}], ids=str)
async def test_readers_see_every_page_without_buttons(make_web, redis_client, settings):
    demo.fill(redis_client)
    readers, others = make_web(**settings), make_web()
    seen, hidden = {}, 0

    for template in page_paths():
        if "{job_id}" in template:  # a job is known to the server that runs it
            continue
        path = path_of(template, **demo.USUAL)
        seen[path] = acts_of((await readers.ask("GET", path)).text)
        hidden += len(acts_of((await others.ask("GET", path)).text))

    assert {path: acts for path, acts in seen.items() if acts} == {}
    assert hidden >= 4
