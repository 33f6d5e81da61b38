"""Uppercase keys act on what is selected, and only after a question that states the count."""

import pytest

from pyasynq.inspector import Inspector
from tests.support.stored_tasks import store
from tests.tui.screen import dashing


@pytest.fixture
def inspector(redis_url):
    with Inspector(redis_url) as found:
        yield found


def ids(inspector, state, queue="mail"):
    return sorted(task.id for task in inspector.tasks.list(queue, state))


async def test_selected_tasks_are_run_after_a_question_with_their_count(
    redis_client, redis_url, inspector
):
    for task_id in ("a", "b", "c"):
        store(redis_client, "archived", task_id)
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("Last error")
        await shown.press("x", "x", "R")
        await shown.until("Run 2 archived tasks of queue 'mail'?")
        assert ids(inspector, "pending") == []
        await shown.press("y")
        await shown.until("Ran 2 tasks.", without="2 selected")

    assert (ids(inspector, "pending"), ids(inspector, "archived")) == (["a", "b"], ["c"])


async def test_without_a_selection_the_task_under_the_cursor_is_meant(
    redis_client, redis_url, inspector
):
    for task_id in ("a", "b"):
        store(redis_client, "retry", task_id)
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("Last error")
        await shown.press("j", "D")
        await shown.until("Delete 1 retry task of queue 'mail'?", "This cannot be")
        await shown.press("n")
        await shown.until("Last error", without="This cannot be")
        assert ids(inspector, "retry") == ["a", "b"]
        await shown.press("A", "y")
        await shown.until("Archived 1 task.")

    assert (ids(inspector, "retry"), ids(inspector, "archived")) == (["a"], ["b"])


async def test_enter_alone_changes_nothing(redis_client, redis_url, inspector):
    store(redis_client, "pending", "a")
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("Payload")
        await shown.press("D")
        await shown.until("Delete 1 pending task")
        await shown.press("enter")
        await shown.until("Payload", without="Delete 1")

    assert ids(inspector, "pending") == ["a"]


async def test_all_tasks_of_a_state_are_meant_when_the_page_is_selected_twice(
    redis_client, redis_url, inspector
):
    pipeline = redis_client.pipeline()
    for number in range(60):
        store(pipeline, "archived", f"{number:02}")
    pipeline.execute()
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("page 1/2")
        await shown.press("*")
        await shown.until("50 selected")
        await shown.press("*")
        await shown.until("all 60 selected")
        await shown.press("R")
        await shown.until("Run all 60 archived tasks of queue 'mail'?")
        await shown.press("y")
        await shown.until("Ran 60 tasks.", "No archived tasks.")

    assert inspector.queues.info("mail").pending == 60


async def test_all_tasks_of_a_state_are_never_meant_while_a_filter_hides_some(
    redis_client, redis_url
):
    pipeline = redis_client.pipeline()
    for number in range(60):
        store(pipeline, "archived", f"{number:02}", type=f"type{number % 2}")
    pipeline.execute()
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("page 1/2")
        await shown.press("*", "*", "/", *"type1", "enter", "R")
        await shown.until("Run 25 archived tasks of queue 'mail'?")
        await shown.press("n", "*", "*", "R")
        await shown.until("Run 25 archived tasks of queue 'mail'?")


async def test_to_delete_many_tasks_the_name_of_the_queue_must_be_typed(
    redis_client, redis_url, inspector
):
    pipeline = redis_client.pipeline()
    for number in range(1001):
        store(pipeline, "archived", f"{number:04}", queue="m1")
    pipeline.execute()
    async with dashing(redis_url) as shown:
        await shown.until("m1")
        await shown.press("enter")
        await shown.until("page 1/21")
        await shown.press("*", "*", "D")
        await shown.until("Delete all 1,001 archived tasks of queue 'm1'?", "Type 'm1'")
        await shown.press("m", "enter")
        assert inspector.queues.info("m1").archived == 1001
        await shown.press("1", "enter")
        await shown.until("Deleted 1,001 tasks.")

    assert inspector.queues.info("m1").archived == 0


async def test_what_a_state_does_not_allow_is_said_without_a_question(redis_client, redis_url):
    store(redis_client, "active", "a")
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("Worker")
        await shown.press("D")
        await shown.until("a task that runs cannot be deleted; C cancels it")
        await shown.press("C")
        await shown.until("Cancel 1 active task of queue 'mail'?")
        await shown.press("y")
        await shown.until("Asked servers to cancel 1 task.")

    assert redis_client.publish("asynq:cancel", "x") == 0  # nobody listened, which is no error


async def test_what_fails_is_told_beside_what_is_done(redis_client, redis_url):
    for task_id in ("a", "b"):
        store(redis_client, "archived", task_id)
    async with dashing(redis_url, refresh_s=3600) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("Last error")
        redis_client.delete("asynq:{mail}:t:a")
        await shown.press("*", "D", "y")
        await shown.until("Deleted 1 task; 1 failed:")


async def test_a_group_is_deleted_as_a_whole(redis_client, redis_url, inspector):
    for group in ("g1", "g2"):
        for number in range(3):
            store(redis_client, "aggregating", f"{group}-{number}", group=group)
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("g1", "g2")
        await shown.press("j", "D")
        await shown.until("Delete all 3 aggregating tasks of group 'g2'?")
        await shown.press("y")
        await shown.until("Deleted 3 tasks.", without="g2")

    assert [(each.group, each.size) for each in inspector.groups.list("mail")] == [("g1", 3)]


async def test_a_queue_is_paused_resumed_and_deleted(redis_client, redis_url, inspector):
    store(redis_client, "pending", "a", queue="q1")
    store(redis_client, "pending", "b", queue="q2")
    async with dashing(redis_url) as shown:
        await shown.until("q2")
        await shown.press("P")
        await shown.until("Pause queue 'q1'?")
        await shown.press("y")
        await shown.until("Paused 1 queue.", "paused")
        await shown.press("*", "P")
        await shown.until("Pause queue 'q2'?")
        await shown.press("y")
        await shown.until("Paused 1 queue.", without=" run ")
        await shown.press("P")
        await shown.until("End the pause of 2 queues?")
        await shown.press("y")
        await shown.until("Ended the pause of 2 queues.", without="paused")
        await shown.press("x", "j", "D")
        await shown.until("Delete queue 'q2' with 1 task?")
        await shown.press("y")
        await shown.until("Deleted 1 queue.", "1 queue ·")

    assert inspector.queues.list() == ["q1"]


async def test_a_task_is_acted_on_from_its_own_view(redis_client, redis_url, inspector):
    store(redis_client, "archived", "a", error_msg="boom")
    async with dashing(redis_url) as shown:
        await shown.until("mail")
        await shown.press("enter")
        await shown.until("boom")
        await shown.press("enter")
        await shown.until("Retried")
        await shown.press("R", "y")
        await shown.until("Ran 1 task.", "pending")

    assert ids(inspector, "pending") == ["a"]


async def test_keys_that_act_say_why_nothing_happens_when_read_only(
    redis_client, redis_url, inspector
):
    store(redis_client, "retry", "a")
    async with dashing(redis_url, read_only=True) as shown:
        await shown.until("mail", "read-only")
        await shown.press("P", "D", "enter")
        await shown.until("Last error")
        await shown.press("R", "A", "D", "P")
        assert (
            shown.told
            == ["Nothing is changed: this dash is read-only. Start it without --read-only to act."]
            * 6
        )
        assert "(y)" not in shown.text

    assert ids(inspector, "retry") == ["a"]
    assert not inspector.queues.info("mail").is_paused
