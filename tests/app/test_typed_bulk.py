"""What many calls of one task become in Redis, whichever way each call is encoded."""

import pytest

from pyasynq.app import App
from pyasynq.options import EnqueueOptions
from pyasynq.task import TaskState


class Text(str):
    __slots__ = ()


@pytest.fixture
def app(redis_url):
    app = App(redis_url, max_payload_size=100)
    yield app
    app.close()


@pytest.fixture
def greet(app):
    @app.task(queue="mail")
    def greet(name: str, count: int = 1, price: float = 0.5): ...

    return greet


def test_a_mapping_that_the_iterable_fills_anew_is_read_before_that(app, greet):
    def calls():
        call = {}
        for name in "abc":
            call["name"] = name
            yield call

    batch = greet.enqueue_many(calls())

    assert [each.info().payload for each in batch] == [
        b'{"name":"%b","count":1,"price":0.5}' % name for name in (b"a", b"b", b"c")
    ]


def test_a_call_is_stored_as_one_that_is_enqueued_alone(app, greet):
    calls = [("a",), {"name": Text("b"), "price": 2}, ("<c>", 3), {"price": 1.5, "name": "d"}]

    batch = greet.enqueue_many(calls)

    alone = [
        greet.enqueue(*call) if isinstance(call, tuple) else greet.enqueue(**call) for call in calls
    ]
    assert [each.info().payload for each in batch] == [each.info().payload for each in alone]
    assert {each.queue for each in batch} == {"mail"}


@pytest.mark.parametrize(
    ("options", "state"),
    [
        ({}, TaskState.PENDING),
        ({"process_in": 60}, TaskState.SCHEDULED),
        ({"group": "g"}, TaskState.AGGREGATING),
        ({"unique": 60, "headers": {"a": "1"}}, TaskState.PENDING),
    ],
)
def test_the_options_decide_what_is_stored(app, greet, options, state):
    (handle,) = greet.options(**options).enqueue_many([("a",)])

    info = handle.info()
    assert (info.state, info.group, info.headers) == (
        state,
        options.get("group", ""),
        options.get("headers", {}),
    )


def test_a_task_without_parameters_has_no_payload(app):
    @app.task
    def sweep(): ...

    batch = sweep.enqueue_many([(), {}])

    assert [each.info().payload for each in batch] == [b"", b""]


def test_payloads_beyond_the_limit_of_the_app_are_logged_once(app, greet, caplog):
    batch = greet.enqueue_many([("a" * 100,), ("b",), ("c" * 100,)])

    logged = [each.task_type for each in caplog.records if each.name == "pyasynq.payload_size"]
    assert logged == ["greet"]
    assert len(batch) == 3


def test_the_handles_of_a_batch_are_made_once(app, greet):
    batch = greet.enqueue_many([("a",), (1,), ("b",)])

    assert [batch.items[0], batch.items[2]] == list(batch)
    assert batch.items[2] is batch.handles[1]
    assert batch.errors == (batch.items[1],)


def test_options_that_are_wrong_for_every_call_send_nothing(app, redis_client):
    @app.task(unique_key="k")
    def locked(name: str): ...

    with pytest.raises(Exception, match="task 0: unique_key and unique_until need unique"):
        locked.enqueue_many([("a",), ("b",)])

    assert redis_client.keys() == []


def test_the_options_of_a_definition_are_not_mixed_up_with_those_of_another(app, greet):
    later = greet.options(retention=60)

    first, second = greet.enqueue_many([("a",)]), later.enqueue_many([("a",)])

    assert [each.info().retention.total_seconds() for each in (*first, *second)] == [0, 60]
    assert greet.default_options == EnqueueOptions(queue="mail")
