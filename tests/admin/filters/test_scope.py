"""What must be read to find the tasks that match."""

import pytest

from pyasynq.admin.filters import parse, scope
from pyasynq.admin.filters.scope import content_of, named_queues, needs_lists
from pyasynq.task import TaskState

QUEUES = ["low", "mail"]
STATES = (TaskState.PENDING, TaskState.ARCHIVED)
ALL = {"low pending", "low archived", "mail pending", "mail archived"}


def places(query, *, whole=False):
    found = scope(parse(query), QUEUES, STATES).places
    return {f"{each.queue} {each.state}" for each in found if each.is_whole or not whole}


@pytest.mark.parametrize(
    ("query", "some", "whole"),
    [
        ("", ALL, ALL),
        ("queue:mail", {"mail pending", "mail archived"}, {"mail pending", "mail archived"}),
        ("queue:m*,x state:archived", {"mail archived"}, {"mail archived"}),
        ("queue~O", {"low pending", "low archived"}, {"low pending", "low archived"}),
        ("!queue=mail", {"low pending", "low archived"}, {"low pending", "low archived"}),
        ("queue!=mail state!=pending", {"low archived"}, {"low archived"}),
        ("state:pending type:x", {"low pending", "mail pending"}, set()),
        (
            "queue:low or (state:archived x)",
            {"low pending", "low archived", "mail archived"},
            {"low pending", "low archived"},
        ),
        ("!(state:pending x)", ALL, {"low archived", "mail archived"}),
        ("!(state:pending or x)", {"low archived", "mail archived"}, set()),
        ("state:retry", set(), set()),
        ("state:pending state:archived", set(), set()),
        ("x", ALL, set()),
    ],
)
def test_only_what_can_match_is_read(query, some, whole):
    assert places(query) == some
    assert places(query, whole=True) == whole


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("id:a", ("a",)),
        ("id=a,b type:x", ("a", "b")),
        ("id:a or id:b", ("a", "b")),
        ("id:a*", None),
        ("id=a*", ("a*",)),
        ("id:a or x", None),
        ("!id:a", None),
        ("id!=a", None),
        ("", None),
    ],
)
def test_the_only_ids_that_can_match_are_known(query, ids):
    assert scope(parse(query), QUEUES, STATES).ids == ids


@pytest.mark.parametrize(
    ("query", "group"),
    [("group:g", "g"), ("group:a,b", None), ("group:g*", None), ('group=""', None)],
)
def test_the_only_group_that_can_match_is_known(query, group):
    assert scope(parse(query), QUEUES, STATES).group == group


def test_the_queues_that_are_named_are_known():
    assert named_queues(parse("queue:a,b x")) == ("a", "b")
    assert named_queues(parse("queue:a* x")) == ()


@pytest.mark.parametrize(
    ("query", "content"),
    [
        ("", "none"),
        ("queue:a state:retry id:b* !next<1h or orphaned:true", "none"),
        ("id:a type:email", "message"),
        ("text", "message"),
        ("error~x or !(payload.a=1)", "message"),
        ("type:x age>1h", "all"),
        ("result~x", "all"),
    ],
)
def test_no_more_is_read_of_a_task_than_tells_whether_it_matches(query, content):
    assert content_of(parse(query)) == content


def test_what_only_a_list_tells_is_known():
    assert needs_lists(parse("x or !(age>1h)"))
    assert not needs_lists(parse("id:a failed<1h"))
