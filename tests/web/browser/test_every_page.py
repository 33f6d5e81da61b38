"""Every page in a real browser: nothing is cut, nothing is forbidden, everybody can use it.

The pages are those of the table, on a Redis that also holds odd names. Pictures of them are left in
`.pictures`.
"""

from urllib.parse import quote

import pytest
import pytest_asyncio
from fastapi import FastAPI

from tests.support import demo
from tests.support.browser import BROWSER
from tests.support.web import page_paths, path_of
from tests.web.browser.window import BETWEEN, NARROW, NARROWEST, SMALL, TABLET, WIDE, Window

pytestmark = BROWSER

STATES = [f"status={state}" for state in demo.STATES]
QUERIES = {
    "/queues/{queue}": STATES,
    "/tasks": ["", "query=", "query=error~nothing"],
    "/jobs/new": [
        *("", "verb=delete&query=state:archived", "verb=cancel&query=state:active"),
        "verb=reschedule&query=state:scheduled",
    ],
}
ABSENT = ("/jobs/{job_id}",)  # no job is known as long as nobody has started one
PAGES = [f"{path}?{query}" for path in page_paths() for query in QUERIES.get(path, [""])]
# Each page is seen once in the usual run, in one of these; in all of them in the long one.
LOOKS = [("light", "en"), ("dark", "en"), ("light", "zh"), ("dark", "zh")]
USUAL = [(page, *LOOKS[at % len(LOOKS)]) for at, page in enumerate(PAGES)]
ALL = [(page, *look) for page in PAGES for look in LOOKS]
USUAL_WIDTHS = (NARROWEST, *BETWEEN, SMALL, WIDE)
EVERY_WIDTH = (NARROWEST, NARROW, TABLET, *BETWEEN, SMALL, WIDE)
NOTHING = {"refused": False, "cut": {}, "hard to use": [], "leads elsewhere": [], "forbidden": []}
ODD = {name: quote(text, safe="") for name, text in demo.ODD.items()}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def window(browser):
    """One window for all pages: they are looked at, and nothing else."""
    window = await Window.opened(browser, "")
    yield window
    await window.close()


def mounted(app):
    api = FastAPI()
    api.mount("/ops/monitoring", app)
    return api


async def looked_at(window, serve, page, scheme, language, names, widths=USUAL_WIDTHS):
    """Open a page of a web UI that is mounted somewhere; returns what is wrong with it."""
    window.take_faults()
    window.base = f"{await serve(wrap=mounted, enqueue_enabled=True)}/ops/monitoring"
    await window.prefer(scheme=scheme, language=language)
    status = await window.open(path_of(page, **names).removesuffix("?"))
    overflow = {}
    for width in widths:
        await window.resize(width)
        overflow[width] = await window.overflow()
    seen = {
        "refused": status >= 400 and not page.startswith(ABSENT),
        "cut": {width: parts for width, parts in overflow.items() if parts},
        "hard to use": await window.unfit(),
        "leads elsewhere": [each for each in await window.links() if not window.is_below(each)],
        "forbidden": [each for each in window.take_faults() if status != 404 or "404" not in each],
    }
    await window.leave()
    return seen


@pytest.mark.parametrize(("page", "scheme", "language"), USUAL)
async def test_a_page_fits_every_window_and_everybody(
    window, serve, redis_client, page, scheme, language
):
    demo.fill_odd(redis_client, demo.fill(redis_client))

    assert await looked_at(window, serve, page, scheme, language, ODD) == NOTHING


@pytest.mark.long
@pytest.mark.parametrize("names", [demo.USUAL, ODD], ids=["usual", "odd"])
@pytest.mark.parametrize(("page", "scheme", "language"), ALL)
async def test_a_page_fits_in_every_language_and_in_every_colour(
    window, serve, redis_client, page, scheme, language, names
):
    demo.fill_odd(redis_client, demo.fill(redis_client))

    seen = await looked_at(window, serve, page, scheme, language, names, EVERY_WIDTH)

    assert seen == NOTHING


async def test_pictures_of_every_page_are_left(window, serve, redis_client):
    kept = await pictures_of(window, serve, redis_client, [(WIDE, "light")])

    assert len(set(kept)) == len(PAGES)


@pytest.mark.long
async def test_more_pictures_of_every_page_are_left(window, serve, redis_client):
    looks = [(NARROW, "dark"), (WIDE, "dark"), (NARROW, "light")]

    kept = await pictures_of(window, serve, redis_client, looks)

    assert len(set(kept)) == 3 * len(PAGES)


async def pictures_of(window, serve, redis_client, looks):
    demo.fill(redis_client)
    window.base = await serve(enqueue_enabled=True)
    await window.prefer(scheme="light", language="en")
    paths = [path_of(page, **demo.USUAL).removesuffix("?") for page in PAGES]
    kept = [each for path in paths for each in await window.keep_pictures(path, looks=looks)]
    await window.leave()
    return kept


async def test_names_stay_in_sight_while_a_wide_table_is_scrolled(window, serve, redis_client):
    demo.fill(redis_client)
    window.base = await serve()
    await window.open("/")
    await window.resize(SMALL)

    moved = await window.page.evaluate(SCROLLED_TO_THE_RIGHT)
    await window.leave()

    assert moved == {"table": True, "names": [0, 0]}


SCROLLED_TO_THE_RIGHT = """
() => {
  const box = document.querySelector(".scroll");
  box.scrollLeft = 10_000;
  const at = (selector) => document.querySelector(selector).getBoundingClientRect().left;
  const left = Math.round(box.getBoundingClientRect().left);
  const names = ["#queues thead th", "#queues tbody th"];
  return { table: box.scrollLeft > 0, names: names.map((each) => Math.round(at(each)) - left) };
}
"""
