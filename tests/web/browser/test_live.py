"""A page keeps itself up to date in a real browser, and what people do on it stays."""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

import pyasynq.web
from pyasynq.web import create_app
from pyasynq.web.live.pace import Pace
from pyasynq.wire.keys import queue_keys
from tests.support.browser import BROWSER
from tests.support.served import served

pytestmark = BROWSER

STATIC = Path(pyasynq.web.__file__).parent / "static"
CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'"
START = b'import { watchLive } from "./live.js"; watchLive();'
MAIL = queue_keys("mail")
PAGE = """<!doctype html>
<html lang="en" data-root="/tasks"><head><title>Tasks</title>
<script type="module" src="/tasks/static/start.js"></script></head><body>
<button data-live-switch aria-pressed="true">Live</button>
<p data-live-status data-text-on="live" data-text-polling="polling" data-text-paused="paused"
 data-text-off="off" data-text-stale="nothing new since {{time}}"></p>
{body}
</body></html>"""


@dataclass
class Site:
    """A page below /tasks, with the events of the real application beside it."""

    app: Any
    body: str = '<p id="count" data-live="queue:mail">0</p>'
    fetched: int = 0
    status: int = 200
    events_status: int = 0

    def show(self, body: str) -> None:
        self.body = body

    async def __call__(self, scope, receive, send):
        path = scope.get("path", "/tasks/api")  # that of a lifespan is nowhere
        if path.startswith("/tasks/api") and not self.events_status:
            await self.app(scope, receive, send)
        elif path.startswith("/tasks/api"):
            await answer(send, self.events_status, "text/plain", b"no")
        elif path.startswith("/tasks/static/"):
            name = Path(path).name
            script = START if name == "start.js" else (STATIC / name).read_bytes()
            await answer(send, 200, "text/javascript", script)
        else:
            self.fetched += (b"x-requested-with", b"live") in scope["headers"]
            await answer(send, self.status, "text/html", PAGE.format(body=self.body).encode())


async def answer(send, status, kind, body):
    headers = [(b"content-type", kind.encode()), (b"content-security-policy", CSP.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def site_of(url, **pace):
    app = create_app(url, root_path="/tasks")
    app.live.pace = Pace(poll_s=0.05, most_share=1.0, **pace)
    site = Site(app)
    with served(site) as address:
        site.url = f"{address}/tasks/"
        yield site
        app.end_streams()


@pytest.fixture
def site(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail", "low")
    with site_of(redis_url) as site:
        yield site


def change(client, queue="mail"):
    client.incr(queue_keys(queue).processed)


async def opened(page, site):
    """Open the page, and wait until its stream is, and has told all that it has to."""
    async with page.expect_request(lambda each: each.headers.get("x-requested-with") == "live"):
        await page.goto(site.url)
    await expect(page.locator("[data-live-status]")).to_have_text("live")
    return page


async def test_a_region_changes_when_redis_does(page, site, redis_client):
    await opened(page, site)
    site.show('<p id="count" data-live="queue:mail">1</p>')

    change(redis_client)

    await expect(page.locator("#count")).to_have_text("1")


FORM = """<div id="all" data-live="queues">
<details id="more"><summary>more</summary>text {n}</details>
<form id="form"><input id="name" value="">
<input id="tick" type="checkbox">
<select id="pick"><option>a</option><option>b</option></select>
<textarea id="long"></textarea></form>
<table><tbody>{rows}</tbody></table>
<p id="told">some words that somebody marks</p><p id="n">{n}</p>
<button id="opens" popovertarget="pop">open</button><div id="pop" popover>pop {n}</div>
<div id="scroll">{lines}</div></div>"""
ROW = '<tr id="{0}"><td><input id="box-{0}" type="checkbox" value="{0}"></td><td>{0}</td></tr>\n'


def form(n, rows):
    return FORM.format(n=n, rows="".join(ROW.format(row) for row in rows), lines="<br>line" * 200)


async def test_what_people_did_stays(page, site, redis_client):
    site.show(form(0, ["a", "b", "c"]))
    await opened(page, site)
    await page.locator("summary").click()
    await page.locator("#box-b").check()
    await page.locator("#tick").check()
    await page.locator("#pick").select_option("b")
    await page.locator("#long").fill("half a")
    await page.locator("#opens").click()
    await page.locator("#name").fill("half a name")
    await page.evaluate(
        """() => {
            document.querySelector("#name").setSelectionRange(5, 6);
            window.row = document.querySelector("#b");
            scrollTo(0, 300);
        }"""
    )

    site.show(form(1, ["x", "c", "b"]))
    change(redis_client)
    await expect(page.locator("#n")).to_have_text("1")

    assert await page.evaluate(
        """() => {
            const name = document.querySelector("#name");
            const of = (id) => document.querySelector(id);
            return [
                of("#more").open, of("#box-b").checked, of("#tick").checked, of("#pick").value,
                of("#long").value, name.value, document.activeElement === name,
                name.selectionStart, name.selectionEnd, window.row === of("#b"),
                [...document.querySelectorAll("tr")].map((each) => each.id).join(),
                of("#pop").matches(":popover-open"), of("#pop").textContent, scrollY,
            ];
        }"""
    ) == [
        True,
        True,
        True,
        "b",
        "half a",
        "half a name",
        True,
        5,
        6,
        True,
        "x,c,b",
        True,
        "pop 1",
        300,
    ]


@pytest.mark.long
async def test_marked_words_stay_marked(page, site, redis_client):
    site.show(form(0, ["a"]))
    await opened(page, site)
    await page.evaluate(
        """() => {
            const text = document.querySelector("#told").firstChild;
            getSelection().setBaseAndExtent(text, 5, text, 10);
        }"""
    )

    site.show(form(1, ["b", "a"]))
    change(redis_client)
    await expect(page.locator("#n")).to_have_text("1")

    assert await page.evaluate("getSelection().toString()") == "words"


async def test_the_focus_stays_on_a_row_that_is_put_elsewhere(page, site, redis_client):
    site.show(form(0, ["a", "b", "c"]))
    await opened(page, site)
    await page.locator("#box-c").focus()

    site.show(form(1, ["c", "b", "a"]))
    change(redis_client)
    await expect(page.locator("#n")).to_have_text("1")

    assert await page.evaluate("document.activeElement.id") == "box-c"


async def test_a_page_that_does_not_depend_on_what_changed_is_not_fetched(page, site, redis_client):
    never = '<p id="never" data-live="">0</p>'
    site.show(
        f'<p id="count" data-live="queue:low">0</p><p id="s" data-live="servers">0</p>{never}'
    )
    await opened(page, site)
    before = site.fetched
    never = never.replace("0", "1")
    site.show(
        f'<p id="count" data-live="queue:low">1</p><p id="s" data-live="servers">1</p>{never}'
    )

    change(redis_client)
    await page.evaluate(DIRTY)
    unchanged = site.fetched
    change(redis_client, "low")

    await expect(page.locator("#count")).to_have_text("1")
    assert (unchanged, site.fetched) == (before, before + 1)
    await expect(page.locator("#never")).to_have_text("0")


# Resolves when the next event has come to another listener of the page, and so to the page, too.
DIRTY = """() => new Promise((resolve) => {
    const source = new EventSource("/tasks/api/x/events");
    source.addEventListener("dirty", () => { source.close(); resolve(); });
})"""


async def test_nothing_is_patched_while_a_dialog_is_open(page, site, redis_client):
    dialog = '<dialog id="ask"><form method="dialog"><button id="ok">OK</button></form></dialog>'
    site.show(f'<p id="count" data-live="queues">0</p>{dialog}')
    await opened(page, site)
    await page.evaluate("document.querySelector('#ask').showModal()")
    before = site.fetched
    site.show(f'<p id="count" data-live="queues">1</p>{dialog}')

    change(redis_client)
    await page.evaluate(DIRTY)
    assert (await page.locator("#count").text_content(), site.fetched) == ("0", before)
    await expect(page.locator("[data-live-status]")).to_have_text("paused")
    await page.locator("#ok").click()

    await expect(page.locator("#count")).to_have_text("1")


async def test_the_switch_stops_it_and_is_remembered(page, site, redis_client):
    await opened(page, site)
    switch, status = page.locator("[data-live-switch]"), page.locator("[data-live-status]")

    await switch.click()
    await expect(status).to_have_text("off")
    await expect(switch).to_have_attribute("aria-pressed", "false")
    await page.reload()
    await expect(status).to_have_text("off")
    before = site.fetched
    site.show('<p id="count" data-live="queue:mail">1</p>')
    change(redis_client)
    await page.evaluate(DIRTY)
    assert site.fetched == before

    await switch.click()
    await expect(page.locator("#count")).to_have_text("1")
    await expect(status).to_have_text("live")
    await expect(switch).to_have_attribute("aria-pressed", "true")


HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_a_hidden_page_listens_to_nothing_and_catches_up_when_it_is_seen(
    page, site, redis_client
):
    await opened(page, site)
    await page.evaluate(HIDE, True)
    site.show('<p id="count" data-live="queue:mail">1</p>')
    before = site.fetched
    change(redis_client)
    await page.evaluate(DIRTY)
    assert site.fetched == before

    await page.evaluate(HIDE, False)

    await expect(page.locator("#count")).to_have_text("1")


@pytest.mark.parametrize("status", [503, pytest.param(404, marks=pytest.mark.long)])
async def test_without_a_stream_the_page_asks_from_time_to_time(page, site, status):
    site.events_status = status
    await page.clock.install()
    await page.goto(site.url)
    await expect(page.locator("[data-live-status]")).to_have_text("polling")
    await page.clock.run_for(1000)
    site.show('<p id="count" data-live="queue:mail">1</p>')
    await page.clock.run_for(8000)
    await expect(page.locator("#count")).to_have_text("1")

    site.events_status = 0
    await page.clock.run_for(60_000)

    await expect(page.locator("[data-live-status]")).to_have_text("live")


@pytest.mark.long
async def test_how_often_it_asks_can_be_set(page, site):
    site.events_status = 503
    await page.clock.install()
    await page.goto(site.url)
    await page.evaluate("localStorage.setItem('pyasynq.poll', '3')")
    await page.reload()
    await page.clock.run_for(1000)
    site.show('<p id="count" data-live="queue:mail">1</p>')

    await page.clock.run_for(3000)

    await expect(page.locator("#count")).to_have_text("1")


@pytest.mark.long
async def test_what_changes_all_the_time_is_asked_for_from_time_to_time(page, site):
    site.show('<p id="count" data-live="always">0</p>')
    await page.clock.install()
    await page.goto(site.url)
    await expect(page.locator("[data-live-status]")).to_have_text("live")
    await page.clock.run_for(1000)
    site.show('<p id="count" data-live="always">1</p>')

    await page.clock.run_for(9000)

    await expect(page.locator("#count")).to_have_text("1")


@pytest.mark.long
async def test_what_changes_slowly_is_asked_for_less_often(page, site):
    site.show('<p id="count" data-live="steady">0</p>')
    await page.clock.install()
    await page.goto(site.url)
    await expect(page.locator("[data-live-status]")).to_have_text("live")
    await page.clock.run_for(1000)
    site.show('<p id="count" data-live="steady">1</p>')

    await page.clock.run_for(17_000)

    await expect(page.locator("#count")).to_have_text("1")


async def test_a_server_that_is_gone_is_told_with_since_when(page, site):
    await page.clock.install()
    await page.goto(site.url)
    await expect(page.locator("[data-live-status]")).to_have_text("live")
    site.status = 502

    await page.evaluate("import('/tasks/static/live.js').then((each) => each.refresh())")
    await expect(page.locator("[data-live-status]")).to_have_text(re.compile(r"since \d+:\d\d"))
    site.status = 200
    await page.clock.run_for(10_000)

    await expect(page.locator("[data-live-status]")).to_have_text("live")


async def test_a_redis_that_is_gone_is_told_until_it_is_back(page, own_redis):
    status = page.locator("[data-live-status]")
    with site_of(own_redis.url, patience_s=0.5) as site:
        await opened(page, site)

        own_redis.kill()
        await expect(status).to_have_text(re.compile(r"nothing new since \d+:\d\d"))
        site.show('<p id="count" data-live="queue:mail">1</p>')
        own_redis.start()

        await expect(status).to_have_text("live", timeout=15_000)
        await expect(page.locator("#count")).to_have_text("1")


async def test_other_scripts_can_have_the_page_fetched_after_an_act(page, site):
    await opened(page, site)
    site.show('<p id="count" data-live="queue:low">1</p>')

    await page.evaluate("import('/tasks/static/live.js').then((each) => each.refresh())")

    await expect(page.locator("#count")).to_have_text("1")


async def test_a_time_that_goes_on_by_itself_is_left_alone(page, site):
    region = '<p id="r" data-live="queues"><time datetime="{0}">{1}</time> <b>{2}</b></p>'
    site.show(region.format("2030-01-01T00:00:00Z", "absolute", 0))
    await opened(page, site)
    await page.evaluate("document.querySelector('time').textContent = '3 s ago'")

    site.show(region.format("2030-01-01T00:00:00Z", "absolute", 1))
    await page.evaluate("import('/tasks/static/live.js').then((each) => each.refresh())")
    same = await page.locator("#r").text_content()
    site.show(region.format("2031-01-01T00:00:00Z", "another", 2))
    await page.evaluate("import('/tasks/static/live.js').then((each) => each.refresh())")

    assert (same, await page.locator("#r").text_content()) == ("3 s ago 1", "another 2")


@pytest.mark.long
async def test_what_is_to_be_kept_is_kept(page, site):
    region = '<div id="r" data-live="queues"><p data-live-keep class="{0}">{0}</p><i>{0}</i></div>'
    site.show(region.format("a"))
    await opened(page, site)

    site.show(region.format("b"))
    await page.evaluate("import('/tasks/static/live.js').then((each) => each.refresh())")

    assert await page.locator("#r").inner_html() == '<p data-live-keep="" class="a">a</p><i>b</i>'


@pytest.mark.long
async def test_without_streams_or_storage_or_regions_nothing_breaks(page, site):
    await page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    )
    site.show("<p>no regions</p>")
    await page.goto(site.url)
    await expect(page.locator("[data-live-status]")).to_have_text("live")
    await page.locator("[data-live-switch]").click()

    await expect(page.locator("[data-live-status]")).to_have_text("off")


async def test_the_page_of_queues_changes_by_itself(page, redis_url, redis_client, now_s):
    app = create_app(redis_url)
    app.live.pace = Pace(poll_s=0.05, most_share=1.0)
    with served(app) as url:
        await page.goto(f"{url}/")
        row = page.locator("tr", has=page.get_by_role("link", name="empty", exact=True))
        await expect(page.locator("[data-live-status]")).to_have_attribute("data-state", "on")
        before = await row.text_content()

        redis_client.lpush(queue_keys("empty").pending, *range(4321))

        await expect(row).to_contain_text(re.compile(r"4,?321"))
        assert "321" not in before
        app.end_streams()
