"""The guide to groups: its code is code that runs here."""

import pytest

from pyasynq import App, ConfigError, Inspector, Task

app = App()
sent = []


@app.task
def notice(user_id: int, text: str) -> None: ...  # a member: it waits in its group


@app.task(max_retry=5)
def send_digest(user_id: int, texts: list[str]) -> None:
    sent.append((user_id, texts))


@app.aggregator("digest:*", grace_period=60, max_delay=600, max_size=100)
def digest(group: str, tasks: list[Task]) -> Task | None:
    texts = [notice.arguments(task)["text"] for task in tasks if notice.handles(task.type)]
    user_id = int(group.removeprefix("digest:"))
    return send_digest.bind(user_id, sorted(texts)) if texts else None


def tell(user_id, text):
    notice.options(group=f"digest:{user_id}").enqueue(user_id, text)


@pytest.fixture
def harness():
    sent.clear()
    with app.testing() as harness:
        yield harness


def test_one_digest_is_sent_a_minute_after_the_last_notice(harness):
    tell(7, "Ann likes it")
    tell(7, "Bob likes it")
    assert harness.run_pending() == []

    harness.clock.advance(60)
    harness.run_pending(raises=True)

    assert sent == [(7, ["Ann likes it", "Bob likes it"])]


def test_each_name_is_a_group_of_its_own(harness):
    tell(7, "Ann likes it")
    tell(8, "Bob likes it")
    harness.run_all(raises=True)

    assert sorted(sent) == [(7, ["Ann likes it"]), (8, ["Bob likes it"])]


def test_a_group_is_due_at_once_when_it_is_full(harness):
    notice.options(group="digest:7").enqueue_many((7, f"{number:03}") for number in range(150))
    harness.run_pending(raises=True)

    assert [len(texts) for _user, texts in sent] == [100]
    assert len(harness.tasks(state="aggregating")) == 50


def test_a_group_that_never_rests_is_due_after_its_longest_delay(harness):
    for _ in range(15):
        tell(7, "again")
        harness.clock.advance(50)
        harness.run_pending(raises=True)

    assert [len(texts) for _user, texts in sent] == [12]


def test_a_member_may_join_its_group_later(harness):
    later = notice.options(group="digest:7", process_in=3600).enqueue(7, "tomorrow")
    assert later.info().state == "scheduled"

    harness.clock.advance(3600)
    harness.run_pending()
    assert later.info().state == "aggregating"


def test_a_group_that_nobody_aggregates_waits_until_it_is_told_to_run(harness):
    handle = notice.options(group="other").enqueue(7, "alone")
    assert harness.run_all() == []

    with Inspector(harness.url, clock=harness.clock) as inspector:
        assert [each.group for each in inspector.groups.list("default")] == ["other"]
        inspector.tasks.run_all("default", "aggregating", group="other")

    assert [each.id for each in harness.run_pending()] == [handle.id]


def test_an_aggregator_that_fails_keeps_the_members():
    shop = App()
    calls = []

    @shop.task(group="orders")
    def order(number: int) -> None: ...

    @shop.aggregator("orders", grace_period=1)
    def collect(group: str, tasks: list[Task]) -> None:
        calls.append(len(tasks))
        if len(calls) == 1:
            raise ValueError("not today")

    with shop.testing() as harness:
        order.enqueue(1)
        harness.clock.advance(1)
        harness.run_pending()

        harness.clock.advance(180)
        harness.run_pending()

        assert calls == [1, 1]
        assert harness.tasks() == []


def test_the_aggregate_stays_in_the_queue_of_its_group(harness):
    notice.options(group="digest:7", queue="low").enqueue(7, "Ann likes it")
    waiting = harness.tasks(queue="low")

    assert [each.state for each in waiting] == ["aggregating"]


def test_a_grace_period_is_a_second_at_least():
    with pytest.raises(ConfigError, match="grace_period"):
        app.aggregator("digest", grace_period=0.5)(digest)
