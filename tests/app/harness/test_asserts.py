"""What a test says about the tasks that were enqueued, and what it is told when that is wrong."""

from datetime import timedelta

import pytest

from pyasynq.app import App
from pyasynq.client import Client
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.task import Task

app = App(queues={"default": 2, "mail": 1})


@app.task("mail:welcome", queue="mail", max_retry=3)
def send_welcome(user: int, template: str = "plain") -> None: ...


@app.task
def sign_up(user: int) -> None:
    send_welcome.options(process_in=60, unique=600).enqueue(user)


@app.task(group="g")
def item(text: str) -> None: ...


@app.aggregator("g")
def together(group: str, tasks: list[Task]) -> Task | None:
    return sign_up.bind(len(tasks))


@app.periodic("@every 1h", key="hourly")
def hourly() -> None: ...


def test_a_call_is_found_by_its_arguments_with_the_defaults_filled_in():
    with app.testing(scheduler=False) as harness:
        send_welcome.enqueue(42)

        harness.assert_enqueued(send_welcome.bind(user=42, template="plain"), times=1)
        harness.assert_not_enqueued(send_welcome.bind(42, "html"))
        harness.assert_not_enqueued(sign_up)


def test_a_task_and_a_type_stand_for_any_arguments():
    with app.testing(scheduler=False) as harness:
        send_welcome.enqueue(1)
        send_welcome.enqueue(2)

        harness.assert_enqueued(send_welcome, times=2)
        harness.assert_enqueued("mail:welcome", times=2)
        assert [each.arguments["user"] for each in harness.enqueued(send_welcome)] == [1, 2]


def test_what_has_run_since_was_enqueued_all_the_same():
    with app.testing(scheduler=False) as harness:
        sign_up.enqueue(42)
        harness.run_all(raises=True)

        assert harness.tasks() == []
        harness.assert_enqueued(sign_up.bind(42))
        harness.assert_enqueued(send_welcome.bind(42), process_in=60)


def test_members_of_groups_and_periodic_tasks_count_too():
    with app.testing() as harness:
        item.enqueue("a")
        item.enqueue("b")
        harness.clock.advance(3600)
        harness.run_pending(raises=True)

        harness.assert_enqueued(item, times=2, group="g")
        harness.assert_enqueued(sign_up.bind(2), times=1)
        harness.assert_enqueued(hourly, times=1)


def test_tasks_of_a_client_that_is_not_of_the_app_count_too():
    with app.testing() as harness, Client(harness.url) as client:
        client.enqueue(Task("image:resize", b"\xff\x00"), queue="images")

        harness.assert_enqueued(Task("image:resize", b"\xff\x00"), queue="images")
        harness.assert_not_enqueued(Task("image:resize", b"\xff\x01"))


def test_a_retried_task_was_enqueued_once_and_one_with_the_id_of_a_finished_one_again():
    other = App()

    @other.task(max_retry=2)
    def fail(times: list[int]) -> None:
        times.append(1)
        raise ValueError

    @other.task
    def work() -> None: ...

    with other.testing() as harness:
        fail.enqueue([])
        for _ in range(2):
            work.options(task_id="one").enqueue()
            harness.run_all()

        harness.assert_enqueued(fail, times=1)
        harness.assert_enqueued(work, times=2)


@pytest.mark.parametrize(
    ("options", "wanted", "other"),
    [
        ({"queue": "low"}, {"queue": "low"}, {"queue": "mail"}),
        ({"process_in": 60}, {"process_in": timedelta(minutes=1)}, {"process_in": 61}),
        ({"process_in": 60, "unique": 600}, {"unique": 600}, {"unique": 599}),
        ({"unique": 600, "unique_until": "started"}, {"unique_until": "started"}, {"unique": 1}),
        ({"retention": 60}, {"retention": 60}, {"retention": 61}),
        ({}, {"max_retry": 3, "retention": 0}, {"retention": 1}),
        ({"timeout": 0.5}, {"timeout": 0.5}, {"timeout": 2}),
        ({"expires": 60}, {"expires": 60}, {"expires": 61}),
        ({"group": "g"}, {"group": "g"}, {"group": "h"}),
        ({"headers": {"a": "1", "b": "2"}}, {"headers": {"a": "1"}}, {"headers": {"a": "2"}}),
        ({"task_id": "one"}, {"task_id": "one"}, {"task_id": "two"}),
    ],
)
def test_options_are_compared_as_they_were_given(options, wanted, other):
    with app.testing(scheduler=False) as harness:
        send_welcome.options(**options).enqueue(42)

        harness.assert_enqueued(send_welcome, **wanted)
        harness.assert_not_enqueued(send_welcome, **other)


def test_a_failure_shows_what_was_enqueued_and_how_it_differs():
    with app.testing(scheduler=False) as harness:
        sign_up.enqueue(7)
        send_welcome.options(process_in=60).enqueue(42)

        with pytest.raises(AssertionError) as caught:
            harness.assert_enqueued(send_welcome.bind(43), queue="low", times=1)

    assert str(caught.value).splitlines() == [
        (
            "mail:welcome(user=43, template='plain') with queue='low' was expected once and "
            "enqueued never; what was enqueued:"
        ),
        (
            "  mail:welcome(user=42, template='plain'), queue 'mail', due in 60 s: "
            "user is 42, not 43; queue is 'mail', not 'low'"
        ),
        "  sign_up(user=7), queue 'default'",
    ]


def test_a_failure_says_that_nothing_was_enqueued_and_cuts_a_long_list():
    with app.testing(scheduler=False) as harness:
        with pytest.raises(AssertionError, match="sign_up was expected and enqueued never; "):
            harness.assert_enqueued(sign_up)
        for number in range(20):
            sign_up.enqueue(number)
        with pytest.raises(AssertionError, match=r"and 8 more$"):
            harness.assert_not_enqueued(sign_up)


@pytest.mark.parametrize(
    ("task", "options", "text"),
    [
        (42, {}, "ask for a task such as send_welcome.bind"),
        (print, {}, "not for builtin_function_or_method"),
        (send_welcome, {"unique_key": "a"}, "redis does not keep unique_key"),
        (send_welcome, {"colour": "red"}, "unknown option 'colour'"),
        (send_welcome, {"queue": ""}, "queue must not be blank"),
    ],
)
def test_a_wrong_question_is_refused(task, options, text):
    with app.testing() as harness, pytest.raises(ConfigError, match=text):
        harness.assert_enqueued(task, **options)


def test_there_is_nothing_to_ask_outside_of_the_block():
    with pytest.raises(ServerStateError, match="only in its block"):
        app.testing().assert_enqueued(sign_up)
