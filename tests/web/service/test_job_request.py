"""What a job means, and what must be typed before it may delete many tasks."""

import pytest

from pyasynq.admin.jobs import PlaceCount, Preview
from pyasynq.errors import FilterError
from pyasynq.inspector import Change, TaskRef
from pyasynq.task import TaskState
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.job_request import JobRequest, is_confirmed, most_confirmed, preview_of

RUN, DELETE = Change(verb="run"), Change(verb="delete")
DROP = Change(verb="cancel", then="drop")


def preview(change, *counts, limit=None, most=None):
    """What a job finds: for each count, so many tasks in a queue "q0", "q1" …."""
    places = tuple(
        PlaceCount(queue=f"q{at}", state=TaskState.RETRY, count=count)
        for at, count in enumerate(counts)
    )
    found = Preview(places=places, sample=(), scanned=0)
    return preview_of(JobRequest(change=change, query="state:retry", limit=limit), found, most)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"query": "type:a  state:retry"}, "type:a state:retry"),
        ({"queue": "a b", "state": TaskState.RETRY}, 'queue="a b" state=retry'),
        (
            {"queue": "mail", "state": TaskState.AGGREGATING, "group": "x:y"},
            "queue=mail state=aggregating group=x:y",
        ),
    ],
)
def test_a_request_is_a_filter(given, text):
    assert str(JobRequest(change=RUN, **given).filter()) == text


def test_named_tasks_need_no_filter():
    assert JobRequest(change=RUN, tasks=(TaskRef("mail", "a"),)).filter() is None


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "give either query, or queue and state, or tasks"),
        ({"query": "a", "queue": "mail", "state": TaskState.RETRY}, "give either query"),
        ({"query": "a", "tasks": (TaskRef("mail", "a"),)}, "give either query"),
        ({"query": " "}, "an empty query means every task"),
        ({"queue": "mail"}, "give queue and state together"),
        ({"state": TaskState.RETRY}, "give queue and state together"),
        ({"queue": " ", "state": TaskState.RETRY}, "queue must not be blank"),
        ({"queue": "mail", "state": TaskState.RETRY, "group": "a"}, "leave group out"),
        ({"query": "a", "group": "a"}, "leave group out"),
        ({"tasks": (TaskRef("mail", ""),)}, "task_id must not be blank"),
        ({"tasks": (TaskRef("", "a"),)}, "queue must not be blank"),
        ({"tasks": (TaskRef("mail", "a"),) * 10_001}, "at most 10,000 tasks can be named"),
        ({"query": "a", "limit": 0}, "limit must be a whole number from 1"),
        ({"query": "a", "per_second": 2_000_000}, "per_second must be a whole number from 1"),
    ],
)
def test_a_request_that_is_wrong_is_refused(given, fault):
    with pytest.raises(Refusal) as caught:
        JobRequest(change=RUN, **given).filter()

    assert caught.value.status == 400
    assert fault in caught.value.text


def test_a_mistake_in_the_filter_is_told_as_such():
    with pytest.raises(FilterError):
        JobRequest(change=RUN, query="type:").filter()


@pytest.mark.parametrize(
    ("found", "confirm"),
    [
        (preview(DELETE, 1000), ""),
        (preview(DELETE, 1001), "q0"),
        (preview(DROP, 1001), "q0"),
        (preview(RUN, 1_000_000), ""),
        (preview(Change(verb="cancel"), 1_000_000), ""),
        (preview(DELETE, 600, 600), "1200"),
        (preview(DELETE, 600, 600, limit=1000), ""),
        (preview(DELETE, 600, 600, most=1100), "1100"),
        (preview(DELETE, 6000, limit=2000, most=1000), ""),
        (preview(DELETE), ""),
    ],
)
def test_many_deletions_need_something_typed(found, confirm):
    assert found.confirm == confirm
    assert is_confirmed(found, "") is (confirm == "")
    assert is_confirmed(found, confirm)


@pytest.mark.parametrize(
    ("typed", "is_good"),
    [("20000", True), ("20,000", True), ("20 000", True), ("19000", True), ("21999", True)]
    + [(each, False) for each in ("17000", "23000", "q0", "2e4", "-20000", "²0000", "9" * 30, " ")],
)
def test_a_count_may_be_a_tenth_wrong(typed, is_good):
    assert is_confirmed(preview(DELETE, 10_000, 10_000), typed) is is_good


@pytest.mark.parametrize(
    ("found", "typed", "most"),
    [
        (preview(DELETE, 20), "", 1000),
        (preview(DELETE, 2000), "q0", 2200),
        (preview(DELETE, 1000, 1000), "2000", 2200),
        (preview(DELETE, 1000, 1000), "1,900", 2090),
    ],
)
def test_a_tenth_more_is_deleted_at_most_than_was_confirmed(found, typed, most):
    assert most_confirmed(found, typed) == most


@pytest.mark.parametrize("typed", ["q1", "Q0", " q0", "2000"])
def test_the_name_of_a_queue_must_be_exact(typed):
    assert not is_confirmed(preview(DELETE, 2000), typed)


def test_what_a_job_does_tells_what_its_visitor_must_be_allowed():
    actions = {each: JobRequest(change=each, query="a").action for each in (RUN, DELETE, DROP)}

    assert actions == {RUN: "run", DELETE: "delete", DROP: "drop"}
