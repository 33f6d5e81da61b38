"""A real browser: one for each test process, with a window of its own for each test.

The browser and the servers run on the event loop of the session, so tests here need
`pytestmark = pytest.mark.asyncio(loop_scope="session")`.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest_asyncio
from playwright.async_api import async_playwright

from pyasynq.web import WebApp, create_app
from tests.conftest import LEFT_BEHIND
from tests.support.programs import found
from tests.support.serving import serving
from tests.web.browser.window import Window


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser():
    """The Chromium of this machine."""
    program = found("chromium")
    with LEFT_BEHIND.lasting():
        playwright = await async_playwright().start()
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--disable-gpu", "--no-sandbox"]
        )
        context = await browser.new_context()
        await context.new_page()  # starts what all pages share
        await context.close()
    yield browser
    await browser.close()
    await playwright.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def own_threads():
    """What a module lets threads of the loop do is done at its end, although the loop goes on."""
    with ThreadPoolExecutor() as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def open_window(browser):
    """Opens windows, each of a visitor of its own; they are closed at the end."""
    windows = []

    async def open_window(base="", **settings):
        windows.append(await Window.opened(browser, base, **settings))
        return windows[-1]

    yield open_window
    for each in windows:
        await each.close()


@pytest_asyncio.fixture(loop_scope="session")
async def serve(redis_url):
    """Serves applications until the end of the test; returns their addresses."""
    contexts, apps = [], []

    async def serve(app=None, *, wrap=lambda app: app, **settings):
        app = app or create_app(redis_url, **settings)
        contexts.append(serving(wrap(app)))
        apps.append(app)
        return await contexts[-1].__aenter__()

    yield serve
    for each in reversed(contexts):
        await each.__aexit__(None, None, None)
    for each in apps:
        if isinstance(each, WebApp):
            await each.aclose()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser):
    """A page with a memory of its own; an error in a script of it fails the test."""
    context = await browser.new_context(viewport={"width": 1000, "height": 700})
    context.set_default_timeout(15_000)
    opened = await context.new_page()
    errors = []
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    await context.close()
    assert errors == []
