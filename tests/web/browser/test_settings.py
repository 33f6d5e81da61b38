"""How often a page asks for news is chosen in a real browser, which keeps it."""

from playwright.async_api import expect

from pyasynq.web import create_app
from tests.support.browser import BROWSER
from tests.support.served import served

pytestmark = BROWSER


async def test_the_pace_of_polling_is_shown_and_kept_in_the_browser(page, redis_url):
    with served(create_app(redis_url)) as site:
        await page.goto(f"{site}/settings")
        slider, told = page.locator("[data-poll]"), page.locator("[data-poll-value]")
        await expect(told).to_have_text("every 8 s")

        await slider.fill("3")

        await expect(told).to_have_text("every 3 s")
        assert await page.evaluate("localStorage.getItem('pyasynq.poll')") == "3"
        await page.reload()
        await expect(told).to_have_text("every 3 s")
        await expect(slider).to_have_value("3")


async def test_a_pace_that_makes_no_sense_is_not_taken(page, redis_url):
    with served(create_app(redis_url)) as site:
        await page.goto(f"{site}/settings")
        for odd in ("1", "21", "x", ""):
            await page.evaluate("value => localStorage.setItem('pyasynq.poll', value)", odd)
            await page.reload()

            await expect(page.locator("[data-poll-value]")).to_have_text("every 8 s")
