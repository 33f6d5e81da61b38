"""Keys that move, mark, filter and lead from view to view; refreshes that disturb none of it."""

import pytest

from pyasynq.clock import FakeClock
from pyasynq.tui.dash import VIEWS
from pyasynq.tui.keys import SECTIONS, sections_of
from pyasynq.tui.views.queue import QueueView
from pyasynq.tui.views.task import TaskView
from tests.support.shop import NOW
from tests.support.stored_tasks import store
from tests.tui.screen import dashing


@pytest.fixture
def clock():
    return FakeClock(NOW)


def fill(client, count, state="retry"):
    for number in range(count):
        store(client, state, f"t{number:02}", score=2_100_000_000 + number)


async def open_mail(shown):
    await shown.until("mail")
    await shown.press("enter")
    await shown.until("Type")


async def test_cursor_selection_and_scrolling_stay_with_the_rows_when_tasks_come_and_go(
    redis_client, redis_url
):
    fill(redis_client, 40)
    async with dashing(redis_url) as shown:
        await open_mail(shown)
        await shown.press(*["j"] * 25, "x")
        table = shown.view.table
        assert (table.current.key, table.selected) == ("t26", {"t25"})
        above = table.scroll_offset.y
        assert above > 0

        redis_client.zrem("asynq:{mail}:retry", "t39")
        store(redis_client, "retry", "t41", score=2_100_000_041)
        await shown.press("ctrl+l")
        await shown.until("t26")
        assert (table.current.key, table.selected) == ("t26", {"t25"})
        assert table.scroll_offset.y == above

        redis_client.zrem("asynq:{mail}:retry", "t25", "t26")
        await shown.press("ctrl+l")
        await shown.until("38", without="t25")
        assert (table.current.key, table.selected) == ("t28", set())


async def test_cells_change_in_place(redis_client, redis_url):
    fill(redis_client, 3)
    async with dashing(redis_url) as shown:
        await open_mail(shown)
        store(redis_client, "retry", "t01", retried=2, score=2_100_000_001)
        await shown.press("ctrl+l")
        await shown.until("2/3")
        assert [row.key for row in shown.view.table.shown] == ["t00", "t01", "t02"]


async def test_the_cursor_wraps_and_jumps_to_both_ends(redis_client, redis_url):
    fill(redis_client, 40)
    async with dashing(redis_url) as shown:
        await open_mail(shown)
        at = []
        for key in ("k", "j", "G", "g", "end", "home", "down", "up"):
            await shown.press(key)
            at.append(shown.view.table.current.key)

        assert at == ["t39", "t00", "t39", "t00", "t39", "t00", "t01", "t00"]


async def test_the_filter_shows_rows_with_all_its_words_and_esc_ends_it(redis_client, redis_url):
    store(redis_client, "archived", "one", type="email:a", error_msg="Timed out")
    store(redis_client, "archived", "two", type="email:b", error_msg="timed out")
    store(redis_client, "archived", "three", type="email:b", error_msg="refused")
    async with dashing(redis_url) as shown:
        await open_mail(shown)
        await shown.press("/", *"timed email:b")
        await shown.until("1 of 3 match", "two", without="three")
        await shown.press("enter", "*", "A")
        await shown.until_told("tasks that are archived cannot be archived")
        await shown.press("R")
        await shown.until("Run 1 archived task of")
        await shown.press("n", "escape")
        await shown.until("three", without="match")
        await shown.press("/", "q")  # is a letter here
        await shown.until("0 of 3 match")
        await shown.press("escape")
        await shown.until("three", without="match")


async def test_space_holds_the_screen_still_until_it_is_pressed_again(redis_client, redis_url):
    fill(redis_client, 2)
    async with dashing(redis_url, refresh_s=0.05) as shown:
        await open_mail(shown)
        await shown.press("space")
        await shown.until("‖ held")
        store(redis_client, "retry", "t77")
        await shown.press("j", "k")
        assert "t77" not in shown.text

        await shown.press("space")
        await shown.until("● live", "t77")


async def test_views_keep_their_cursor_while_others_are_open(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("j", "5")
        await shown.until("Attention  ")
        await shown.press("3")
        await shown.until("*/5 * * * *")
        await shown.press("1")
        await shown.until("12 scheduled")
        assert shown.view.table.current.key == "orders"


async def test_q_and_esc_lead_back_and_quit_at_the_top(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("enter")
        await shown.until("email:welcome")
        await shown.press("enter")
        await shown.until("Payload · JSON")
        await shown.press("q")
        await shown.until("email:welcome", "completed")
        await shown.press("x", "escape")  # ends the selection
        await shown.until("completed", without="selected")
        await shown.press("escape")
        await shown.until("239 tasks")
        await shown.press("q")

        assert shown.dash._exit


async def test_ctrl_c_quits_from_everywhere(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("/", "r", "ctrl+c")

        assert shown.dash._exit


async def test_a_queue_is_opened_by_its_name_from_the_palette(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("2")
        await shown.until("web-1")
        await shown.press("ctrl+k")
        await shown.until("Queue reports")
        await shown.press(*"orders")
        await shown.until("Queue orders", without="Queue reports")
        await shown.press("enter")
        await shown.until("order:import")


async def test_the_help_shows_the_keys_of_the_view_that_is_open(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("?")
        await shown.until("pause the queues", "Everywhere")
        await shown.press("G", "?")
        await shown.until("reports", without="Everywhere")


async def test_other_colours_are_taken_at_once(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        shown.dash.action_colours()
        await shown.until("reports")

        assert shown.dash.theme == "light"
        assert shown.view.table.shown[0].cells[1].style == "bold #10161f"


@pytest.mark.parametrize("name", SECTIONS)
async def test_the_help_names_every_uppercase_key_of_a_view(name):
    views = {each.__name__: each for each in (*VIEWS.values(), QueueView, TaskView)}
    bound = {each.key for each in views[name].BINDINGS}
    upper = {key for key in bound if len(key) == 1 and key.isupper()}
    named = {word for keys in sections_of(name)[0][1] for word in keys.keys.split()}

    assert upper <= named | {"G"}
