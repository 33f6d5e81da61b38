"""Language, colours and clock are the visitor's."""

from tests.support import demo
from tests.support.browser import BROWSER

pytestmark = BROWSER

GROUND = "getComputedStyle(document.documentElement).backgroundColor"
LIGHT, DARK = "rgb(245, 246, 248)", "rgb(15, 20, 26)"


async def test_the_browser_says_which_language_and_the_footer_changes_it(serve, open_window):
    window = await open_window(await serve(), language="zh")
    await window.open("/settings?x=1")
    assert await window.page.locator("html").get_attribute("lang") == "zh-Hans"

    await window.page.get_by_role("button", name="English").click()

    await window.page.wait_for_selector("html[lang=en]")
    assert window.page.url.startswith(f"{window.base}/settings?x=1")
    assert window.faults == []


async def test_colours_follow_the_system_unless_they_are_chosen(serve, open_window):
    window = await open_window(await serve(), scheme="dark")
    await window.open("/settings")
    assert await window.page.evaluate(GROUND) == DARK
    await window.prefer(scheme="light")
    assert await window.page.evaluate(GROUND) == LIGHT

    await window.page.get_by_label("Dark").check()
    await window.page.get_by_role("button", name="Keep these settings").click()

    await window.page.wait_for_selector("html[data-theme=dark]")
    assert await window.page.evaluate(GROUND) == DARK


async def test_a_menu_folds_in_a_narrow_window_and_comes_back(serve, open_window, redis_client):
    demo.fill(redis_client)
    window = await open_window(await serve(), width=390)
    await window.open("/")
    menu = window.page.locator(".menu ul")
    assert not await menu.is_visible()

    await window.page.locator(".menu summary").click()
    assert await menu.is_visible()
    await window.resize(1440)

    assert await menu.is_visible()
