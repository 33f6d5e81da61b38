# Generated from test_task_pages_async.py by tools/unasync.py: change that file.
"""Pages of tasks, walks and searches; the blocking twin of this file is generated."""

import base64
import json

import pytest

from pyasynq.client import Client
from pyasynq.errors import ConfigError, QueueNotFoundError
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.task_pages import STEP
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskState
from tests.support.builders import make_active, make_data

FAR_S = 4_000_000_000
IN_SETS = ["scheduled", "retry", "archived", "completed"]


def store(client, state, *names, group="", **fields):
    """Store tasks of one state with scores that grow."""
    client.sadd("asynq:queues", "mail")
    pipeline = client.pipeline(transaction=False)
    for number, name in enumerate(names):
        message = make_data(id=name, payload=name.encode(), **fields)
        stored = {"msg": message, "state": state}
        if state in ("pending", "active"):
            pipeline.lpush(f"asynq:{{mail}}:{state}", name)
        elif state == "aggregating":
            stored["group"] = group
            pipeline.sadd("asynq:{mail}:groups", group)
            pipeline.zadd(f"asynq:{{mail}}:g:{group}", {name: FAR_S + number})
        else:
            pipeline.zadd(f"asynq:{{mail}}:{state}", {name: FAR_S + number})
        pipeline.hset(f"asynq:{{mail}}:t:{name}", mapping=stored)
    pipeline.execute()


@pytest.mark.parametrize(
    ("state", "since"),
    [
        ("pending", {"a": "2001-09-09T01:46:40+00:00"}),
        ("archived", {"a": "2096-10-02T07:06:40+00:00", "b": "2096-10-02T07:06:41+00:00"}),
        ("completed", {}),
    ],
)
def test_a_page_tells_since_when_tasks_are_in_their_state(state, since, redis_url, redis_client):
    store(redis_client, state, "a", "b")
    redis_client.hset("asynq:{mail}:t:a", "pending_since", 10**18)

    with Inspector(redis_url) as inspector:
        page = inspector.tasks.list("mail", state)

    assert {task_id: time.isoformat() for task_id, time in page.since.items()} == since


@pytest.mark.parametrize("state", ["pending", "active", *IN_SETS])
def test_pages_go_in_both_directions(state, redis_url, redis_client):
    store(redis_client, state, "a", "b", "c", "d", "e")

    with Inspector(redis_url) as inspector:
        pages = [
            inspector.tasks.list("mail", state, page=number, page_size=2) for number in (1, 2, 3, 4)
        ]
        back = [
            inspector.tasks.list("mail", state, page=number, page_size=2, newest_first=True)
            for number in (1, 2, 3, 4)
        ]

    assert [[task.id for task in page] for page in pages] == [["a", "b"], ["c", "d"], ["e"], []]
    assert [[task.id for task in page] for page in back] == [["e", "d"], ["c", "b"], ["a"], []]
    assert [page.total for page in pages] == [5] * 4
    assert [page.has_more for page in pages] == [True, True, False, False]
    assert {task.state for page in pages for task in page} == {TaskState(state)}


def test_tasks_of_all_groups_are_one_list_by_the_names_of_the_groups(redis_url, redis_client):
    store(redis_client, "aggregating", "d", "e", group="h")
    store(redis_client, "aggregating", "a", "b", "c", group="g")

    with Inspector(redis_url) as inspector:
        lists = inspector.tasks.list
        first = lists("mail", TaskState.AGGREGATING, page_size=2)
        second = lists("mail", TaskState.AGGREGATING, page_size=2, page=2)
        third = lists("mail", TaskState.AGGREGATING, page_size=2, page=3)
        back = lists("mail", TaskState.AGGREGATING, page_size=4, newest_first=True)
        of_one = lists("mail", TaskState.AGGREGATING, group="h")
        everything = [task.id for task in inspector.tasks.iterate("mail", "aggregating")]

    assert [[task.id for task in page] for page in (first, second, third)] == [
        ["a", "b"],
        ["c", "d"],
        ["e"],
    ]
    assert [task.id for task in back] == ["e", "d", "c", "b"]
    assert ([task.id for task in of_one], of_one.total, first.total) == (["d", "e"], 2, 5)
    assert everything == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize("state", ["pending", "active", *IN_SETS])
def test_a_task_that_is_gone_or_unreadable_is_shown_as_damaged(state, redis_url, redis_client):
    store(redis_client, state, "gone", "broken", "empty", "typed", "good")
    redis_client.delete("asynq:{mail}:t:gone", "asynq:{mail}:t:typed")
    redis_client.hset("asynq:{mail}:t:broken", "msg", b"\xff\xff")
    redis_client.hset("asynq:{mail}:t:empty", "msg", b"")
    redis_client.set("asynq:{mail}:t:typed", "a string")
    noted = []

    with Inspector(redis_url) as inspector:
        page = inspector.tasks.list("mail", state)
        found = [
            task.id for task in inspector.tasks.iterate("mail", state, on_damaged=noted.append)
        ]
        searched = inspector.tasks.search("mail", state=state)

    assert [task.id for task in page] == ["good"] == found == [task.id for task in searched.tasks]
    reasons = {each.id: each.reason for each in page.damaged}
    assert reasons["gone"] == reasons["typed"] == "it is listed, but there is no such task"
    assert reasons["empty"] == "its message is empty"
    assert "the bytes are not a task message" in reasons["broken"]
    assert page.total == 5
    assert set(page.damaged) == set(noted) == set(searched.damaged)


def test_an_active_task_is_orphaned_when_its_lease_is_over(redis_url, redis_client):
    redis_client.sadd("asynq:queues", "mail")
    make_active(redis_client, "lost")
    make_active(redis_client, "held", lease_s=FAR_S)

    with Inspector(redis_url) as inspector:
        page = inspector.tasks.list("mail", "active")
        alone = [inspector.tasks.get("mail", task.id) for task in page]

    assert {task.id: task.is_orphaned for task in page} == {"lost": True, "held": False}
    assert alone == list(page)


def test_a_page_of_large_tasks_is_read_in_several_steps(redis_url, redis_client):
    store(redis_client, "pending", *"abcde")
    for name in "abcde":
        data = make_data(id=name, payload=b"x" * 3_000_000)
        redis_client.hset(f"asynq:{{mail}}:t:{name}", "msg", data)

    with Inspector(redis_url) as inspector:
        page = inspector.tasks.list("mail", "pending")

    assert [task.id for task in page] == list("abcde")


@pytest.mark.parametrize("score", ["inf", "-inf", "1e300", "0.5", "-9223372036854775808"])
def test_odd_scores_hide_no_task(score, redis_url, redis_client):
    store(redis_client, "scheduled", "a", "b")
    redis_client.zadd("asynq:{mail}:scheduled", {"a": score})

    with Inspector(redis_url) as inspector:
        page = inspector.tasks.list("mail", "scheduled")
        found = [task.id for task in inspector.tasks.iterate("mail", "scheduled")]
        result = inspector.tasks.search("mail", limit=1)
        rest = inspector.tasks.search("mail", cursor=result.cursor)

    assert {task.id for task in page} == {"a", "b"} == set(found)
    assert {task.id for task in (*result.tasks, *rest.tasks)} == {"a", "b"}


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"page": 0}, "page must be from 1"),
        ({"page_size": 1001}, "page_size must be from 1 to 1000, not 1001"),
        ({"page_size": True}, "page_size must be a whole number, not bool"),
        ({"group": "g"}, "only tasks that are aggregating are in a group, not pending ones"),
        ({"state": "retryy"}, "not 'retryy'; did you mean 'retry'?"),
        ({"state": None}, "state must be active, pending"),
        ({"state": "aggregating", "group": " "}, "group must not be blank"),
        ({"queue": " "}, "queue must not be blank"),
    ],
)
def test_wrong_arguments_of_a_page_are_refused(arguments, text, redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match=text.replace("?", r"\?")):
            inspector.tasks.list(**{"queue": "mail", "state": "pending", **arguments})


def test_an_unknown_queue_has_no_pages(redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(QueueNotFoundError):
            inspector.tasks.list("mail", "pending")
        with pytest.raises(QueueNotFoundError):
            inspector.tasks.list("mail", "aggregating")
        with pytest.raises(QueueNotFoundError):
            inspector.tasks.search("mail")
        with pytest.raises(QueueNotFoundError):
            [task.id for task in inspector.tasks.iterate("mail", "retry")]


@pytest.mark.parametrize("state", ["pending", *IN_SETS])
def test_a_walk_sees_every_task_that_stays_while_others_come_and_go(state, redis_url, redis_client):
    names = [f"n{number:04}" for number in range(3 * STEP + 50)]
    store(redis_client, state, *names)
    seen = []

    with Inspector(redis_url) as inspector:
        for task in inspector.tasks.iterate("mail", state):
            seen.append(task.id)
            if len(seen) % STEP == STEP // 2:  # others come at one end, and some of the seen go
                store(redis_client, state, *[f"new{len(seen)}-{each}" for each in range(40)])
                for name in seen[-3:]:
                    inspector.tasks.delete("mail", name)

    assert set(names) <= set(seen)
    assert len(seen) == len(set(seen))


def test_a_walk_goes_on_when_the_caller_deletes_all_that_it_has_seen(redis_url, redis_client):
    names = [f"n{number:04}" for number in range(2 * STEP + 5)]
    store(redis_client, "retry", *names)
    redis_client.zadd("asynq:{mail}:retry", dict.fromkeys(names, FAR_S))  # all at the same time
    seen = []

    with Inspector(redis_url) as inspector:
        for task in inspector.tasks.iterate("mail", "retry"):
            seen.append(task.id)
            inspector.tasks.delete("mail", task.id)

    assert seen == names


def test_a_search_goes_through_every_state_in_bounded_steps(redis_url, redis_client):
    for state in ("active", "pending", *IN_SETS):
        store(redis_client, state, f"{state}-x", f"{state}-y")
    store(redis_client, "aggregating", "aggregating-x", "aggregating-y", group="g")
    found, scanned, cursor = [], [], None

    with Inspector(redis_url) as inspector:
        while True:
            result = inspector.tasks.search("mail", text="-x", scan=3, cursor=cursor)
            found += [task.id for task in result.tasks]
            scanned.append(result.scanned)
            cursor = result.cursor
            if cursor is None:
                break

    assert found == [
        *("active-x", "pending-x", "scheduled-x", "retry-x", "archived-x", "completed-x"),
        "aggregating-x",
    ]
    assert sum(scanned) == 14
    assert max(scanned) <= 3


def test_a_search_stops_after_the_limit_and_goes_on_behind_it(redis_url, redis_client):
    store(redis_client, "pending", *"abcdef")

    with Inspector(redis_url) as inspector:
        first = inspector.tasks.search("mail", state="pending", limit=2)
        rest = inspector.tasks.search("mail", state="pending", cursor=first.cursor)

    assert ([task.id for task in first.tasks], first.scanned) == (["f", "e"], 2)
    assert ([task.id for task in rest.tasks], rest.cursor) == (["d", "c", "b", "a"], None)


def test_a_search_compares_type_text_and_any_condition(redis_url, redis_client):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        client.enqueue_many(
            [
                Task(kind, payload, options=EnqueueOptions(queue="mail", task_id=task_id))
                for task_id, kind, payload in [
                    ("1", "email:welcome", b'{"user": "zo\xc3\xab"}'),
                    ("2", "email:bye", b"{}"),
                    ("3", "image:resize", b"email:"),
                    ("4", "email[x]", b""),
                ]
            ]
        )
        redis_client.lpush("asynq:{mail}:pending", "5")
        data = make_data(id="5", error_msg="time out")
        redis_client.hset("asynq:{mail}:t:5", mapping={"msg": data, "state": "pending"})

        def ids(**what):
            result = inspector.tasks.search("mail", **what)
            return sorted(task.id for task in result.tasks)

        assert ids(type="email:*") == ["1", "2"]
        assert ids(type="*:resize") == ["3"]
        assert ids(type="email[x]") == ["4"]
        assert ids(type="e.ail:bye") == []
        assert ids(text="zoë") == ["1"]
        assert ids(text="time o") == ["5"]
        assert ids(where=lambda task: task.payload == b"{}") == ["2"]


FORGED = [
    None,
    [],
    ["pending"],
    ["pending", "", -1, ""],
    ["pending", "", 10**30, ""],
    ["pending", "", 1.5, ""],
    ["pending", "", 1, "text", "a"],
    ["pending", "", 1, "5", 7],
    ["pending", "", 1, "5", *["a"] * 100],
    ["dead", "", 1, ""],
    [["pending"], "", 1, ""],
]


def cursor_with(fields):
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


@pytest.mark.parametrize("cursor", ["", "x", "é", "W10=", *map(cursor_with, FORGED)])
def test_a_cursor_that_is_none_is_refused(cursor, redis_url):
    with Inspector(redis_url) as inspector:
        with pytest.raises(ConfigError, match="cursor must be the cursor of an earlier result"):
            inspector.tasks.search("mail", cursor=cursor)


ODD_IDS = [b" ", b"\x1c", b"\xff\xfe", b"i" * 10_241, b"a}b{c", b"two\nlines", b"*", b"-1"]


@pytest.mark.parametrize("name", ODD_IDS)
def test_an_odd_id_hides_no_other_task(name, redis_url, redis_client):
    store(redis_client, "retry", "good")
    redis_client.zadd("asynq:{mail}:retry", {name: 5})
    redis_client.hset(b"asynq:{mail}:t:" + name, mapping={"msg": make_data(), "state": "retry"})

    with Inspector(redis_url) as inspector:
        page = inspector.tasks.list("mail", "retry")
        first = inspector.tasks.search("mail", limit=1)
        rest = inspector.tasks.search("mail", cursor=first.cursor)

    odd = name.decode("utf-8", "surrogateescape")
    assert [task.id for task in page] == [odd, "good"]
    assert [task.id for task in (*first.tasks, *rest.tasks)] == [odd, "good"]
