"""Each view shows what is in Redis."""

from itertools import product

import pytest

from pyasynq.clock import FakeClock
from tests.support.garbage import FIELDS, GARBAGE
from tests.support.shop import NOW
from tests.support.stored_tasks import store
from tests.tui.screen import dashing


@pytest.fixture
def clock():
    return FakeClock(NOW)


async def test_queues_are_shown_with_sums_and_with_what_is_in_that_under_the_cursor(
    shop_url, clock
):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("3 queues · 239 tasks · today 9,750 done, 39 failed (0.40%)")

        assert shown.line("mail").split()[:5] == ["mail", "run", "195", "1m", "35s"]
        assert "paused" in shown.line("reports")
        await shown.until("3 active  140 pending  15 aggregating  9 retry  28 archived")
        await shown.press("j")
        await shown.until("2 active  6 pending  12 scheduled  20 completed")


async def test_a_queue_opens_at_its_first_state_that_has_tasks(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("k", "enter")
        await shown.until("report:monthly")

        assert "paused 2h 1m ago by ann" in shown.text


async def test_the_tasks_of_each_state_have_columns_of_their_own(shop_url, clock):
    async with dashing(shop_url, clock=clock, size=(100, 40)) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("email:welcome")
        for turns, columns, row in (
            (1, "ID Type Retried Payload", "email:newsletter 0/3"),
            (1, "Group Size", "digest:bob 11"),
            (2, "ID Type Retried Due Failed Last error", "email:receipt 1/10 in 40s"),
            (1, "ID Type Retried Failed Last error", "email:welcome 10/10 4h 30m"),
        ):
            await shown.press(*["l"] * turns)
            await shown.until(row.split()[0])
            lines = [" ".join(line.split()) for line in shown.text.splitlines()]
            assert columns in lines
            assert any(row in line for line in lines)


async def test_a_group_opens_and_esc_leads_back(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("completed")
        await shown.press("right", "right")
        await shown.until("digest:bob")
        await shown.press("down", "enter")
        await shown.until("mail / digest:bob", "digest:bob-10", without="digest:ann")
        await shown.press("escape")
        await shown.until("digest:ann")


async def test_n_and_p_and_brackets_turn_pages(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("completed")
        await shown.press("l")
        await shown.until("page 1/3", '{"user_id": 4100')
        await shown.press("n")
        await shown.until("page 2/3", '{"user_id": 4150')
        await shown.press("]")
        await shown.until("page 3/3", '{"user_id": 4200')
        await shown.press("n")
        await shown.press("p", "[")
        await shown.until("page 1/3", '{"user_id": 4100')
        await shown.press("o")
        await shown.until("newest first", '{"user_id": 4239')


async def test_a_page_that_has_become_empty_gives_way_to_the_last_one(
    shop_url, redis_client, clock
):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("completed")
        await shown.press("l")
        await shown.until("4100")
        await shown.press("n", "n")
        await shown.until("page 3/3", "4200")

        redis_client.ltrim("asynq:{mail}:pending", 60, -1)
        await shown.press("ctrl+l")

        await shown.until("page 2/2", "4150")


async def test_a_task_is_shown_with_all_details(shop_url, clock):
    async with dashing(shop_url, clock=clock, size=(80, 30)) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("completed")
        await shown.press("h", "h")
        await shown.until("mailbox full")
        await shown.press("enter")
        await shown.until("Payload · JSON", '    "total": 49.9,', "tenant = north")

        assert "10 of 10" in shown.line("Retried")
        assert "2033-05-17 22:53:20 UTC (4h 40m ago)" in shown.line("Last failed")
        await shown.press("v")
        await shown.until("Payload · text", '"order":{"id":"A-7427","total":49.9')
        await shown.press("v")
        await shown.until("Payload · hex", "0x7b22757365725f6964")


async def test_an_active_task_is_shown_with_its_progress_and_its_worker(shop_url, clock):
    async with dashing(shop_url, clock=clock, size=(80, 30)) as shown:
        await shown.until("orders")
        await shown.press("j", "enter")
        await shown.until("order:import", "gone")
        await shown.press("enter")
        await shown.until("71%  1,840 of 2,600  line 1840", "web-1:4117")

        assert "(3m 12s ago)" in shown.line("Started")


async def test_a_task_that_is_gone_stays_on_the_screen_as_it_was_read_last(
    shop_url, redis_client, clock
):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.until("reports")
        await shown.press("k", "enter")
        await shown.until("report:monthly")
        await shown.press("enter")
        await shown.until("report:monthly", "Payload")

        redis_client.delete(*redis_client.keys("asynq:{reports}:t:*"))
        await shown.press("ctrl+l")

        await shown.until("no longer there", "It was deleted", "pending", without="stale")


async def test_servers_are_shown_with_what_they_run(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.press("2")
        await shown.until("2 servers · 4 of 20 slots taken", "web-1:4117 runs 4 tasks")

        assert shown.line("order:import").split()[-5:-1] == ["12s", "in", "6m", "48s"]
        await shown.press("j")
        await shown.until("web-2:4209 runs nothing")
        await shown.press("k", "enter")
        await shown.until("web-1:4117 runs")
        await shown.press("enter")
        await shown.until("in queue orders", "1,840 of 2,600")


async def test_schedulers_are_shown_with_what_the_entry_under_the_cursor_has_enqueued(
    shop_url, redis_client, clock
):
    store(redis_client, "pending", "known", queue="orders", type="order:sweep")
    async with dashing(shop_url, clock=clock) as shown:
        await shown.press("3")
        await shown.until("3 entries · next in 1m 40s", "the last 12 tasks")

        assert "2033-05-18 03:30:00 UTC   3m 20s ago" in shown.text
        await shown.press("tab", "enter")
        await shown.until("It is no longer there")
        await shown.press("escape", "j")
        await shown.until("It has enqueued nothing yet.")


async def test_redis_is_shown_with_all_its_fields_which_can_be_filtered(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.press("4")
        await shown.until("Memory limit", "noeviction", "When it is full")
        await shown.press("/", *"tcp_port")
        await shown.until("1 of", "match", "tcp_port")


async def test_what_needs_a_person_is_shown_and_leads_there(shop_url, clock):
    async with dashing(shop_url, clock=clock) as shown:
        await shown.press("5")
        await shown.until("1 error · 2 warnings", "An active task lost its worker.")
        await shown.until("Start a worker that has this queue")
        await shown.press("j")
        await shown.until("A server of this queue recovers")
        await shown.press("enter")
        await shown.until("in queue orders", "its worker is gone")


async def test_an_empty_view_says_what_to_do(redis_url):
    async with dashing(redis_url) as shown:
        for key, text in (
            ("1", "pyasynq task enqueue -t TYPE"),
            ("2", "pyasynq worker MODULE:APP"),
            ("3", "No scheduler is alive."),
            ("5", "Nothing needs you."),
        ):
            await shown.press(key)
            await shown.until(text)


async def test_a_task_that_cannot_be_read_is_shown_with_the_reason(redis_url, redis_client):
    store(redis_client, "pending", "good")
    store(redis_client, "pending", "bad")
    redis_client.delete("asynq:{mail}:t:bad")

    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("good", "bad", "unreadable", "there is no such")


async def test_garbage_in_redis_closes_no_view(redis_url, redis_client):
    pipeline = redis_client.pipeline()
    for number, (field, data) in enumerate(product(FIELDS, GARBAGE)):
        store(pipeline, ("pending", "active", "archived")[number % 3], f"t{number}")
        pipeline.hset(f"asynq:{{mail}}:t:t{number}", field, data)
    for number, data in enumerate(GARBAGE):
        store(pipeline, "pending", f"u{number}", payload=data, type=data.decode("latin1"))
        pipeline.hset(f"asynq:{{mail}}:t:t{number}", "msg", data)
        pipeline.sadd("asynq:queues", data)
        pipeline.set(b"asynq:{" + data + b"}:pending", data)
        for index in ("servers", "workers", "schedulers"):
            pipeline.zadd(f"asynq:{index}", {data: 1e12})
    pipeline.execute()

    async with dashing(redis_url) as shown:
        await shown.until("unreadable")
        for key, text in ("2", "No server"), ("3", "No scheduler"), ("5", "errors"), ("1", "abc"):
            await shown.press(key)
            await shown.until(text)
        shown.dash.open_queue("mail")
        await shown.until("alive")
        for text in ("t12", "No aggregating", "No scheduled", "No retry", "t101", "No completed"):
            await shown.press("l")
            await shown.until(text, without="▲")
        shown.dash.open_queue("")
        await shown.until("trying again: queue must not be blank")


async def test_hostile_names_are_shown_as_text(redis_url, redis_client):
    store(redis_client, "pending", "[red]x[/]\x1b[2J", queue="[bold]q", type="a\nb\t[/x]\x07")

    async with dashing(redis_url) as shown:
        await shown.until("[bold]q")
        await shown.press("enter")
        await shown.until("[red]x[/]", "a b [/x]")
        await shown.press("enter")
        await shown.until("in queue [bold]q")
        await shown.press("D")
        await shown.until("of queue '[bold]q'?")
