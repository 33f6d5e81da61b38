"""One line for each job, without contents."""

import logging

import pytest

from pyasynq.admin.audit import action, begin, deed, without_contents
from pyasynq.admin.bulk import BulkJob
from pyasynq.admin.filters import parse
from pyasynq.admin.jobs import JobResult
from pyasynq.errors import RedisUnavailableError
from pyasynq.inspector import Change, Inspector, TaskRef
from tests.support.stored_tasks import store

DELETE = Change(verb="delete")


def test_a_job_leaves_one_line_with_fields(redis_url, redis_client, caplog):
    store(redis_client, "archived", "a", error_msg="hunter2")

    with Inspector(redis_url) as inspector, caplog.at_level(logging.INFO, "pyasynq.admin"):
        BulkJob(inspector, DELETE, who="ann\n").run("state:archived error~hunter2")
        BulkJob(inspector, DELETE).run_on([TaskRef("mail", "b")])

    first, second = (record for record in caplog.records if record.name == "pyasynq.admin")
    assert first.getMessage() == (
        r"delete by ann\n: done, 1 done, 0 changed meanwhile, 0 failed, "
        "filter: state:archived error~…"
    )
    assert (first.action, first.who, first.outcome, first.done) == ("delete", r"ann\n", "done", 1)
    assert (second.filter, second.failed, second.who) == ("tasks by ID", 1, "")


def test_a_job_with_a_name_has_a_line_when_it_begins_and_tells_who_stopped_it(caplog):
    result, query = JobResult(is_cancelled=True, stopped_by="bob\n"), parse("state:archived")

    with caplog.at_level(logging.INFO, "pyasynq.admin"):
        begin("ann", DELETE, query, "7")
        with action("ann", DELETE, query, result, "7"):
            pass

    first, last = (record.getMessage() for record in caplog.records)
    assert first == "delete by ann: begins, job 7, filter: state:archived"
    assert last == (
        r"delete by ann: stopped by bob\n, 0 done, 0 changed meanwhile, 0 failed, job 7, "
        "filter: state:archived"
    )
    assert [vars(each)["job"] for each in caplog.records] == ["7", "7"]


def test_what_is_done_to_one_thing_leaves_one_line_too(caplog):
    with caplog.at_level(logging.INFO, "pyasynq.admin"):
        with deed("ann\n", "pause", "queue 'mail'"):
            pass
        with deed("", "delete", "3 tasks") as counted:
            counted.done, counted.failed = 2, 1
        with pytest.raises(KeyError), deed("bob", "run", "task 'a'"):
            raise KeyError

    assert [record.getMessage() for record in caplog.records] == [
        r"pause by ann\n: done, queue 'mail'",
        "delete by somebody: done, 3 tasks, 2 done, 1 failed",
        "run by bob: stopped by KeyError, task 'a'",
    ]
    fields = vars(caplog.records[1])
    assert (fields["action"], fields["subject"], fields["done"]) == ("delete", "3 tasks", 2)


def test_a_job_that_ends_early_says_so(caplog):
    result = JobResult(done=3)

    with caplog.at_level(logging.INFO, "pyasynq.admin"):
        with pytest.raises(RedisUnavailableError), action("", DELETE, parse(""), result):
            raise RedisUnavailableError("gone", tried="a", may_have_happened=True)
        with action("", DELETE, parse(""), result):
            result.is_cancelled = True

    outcomes = [(record.outcome, record.done, record.filter) for record in caplog.records]
    assert outcomes == [("stopped by RedisUnavailableError", 3, "all"), ("cancelled", 3, "all")]


@pytest.mark.parametrize(
    ("query", "logged"),
    [
        ("type:email or !(payload.card=4111 secret)", "type:email or !(payload=… …)"),
        ("result~x headers.h=1 retried>1", "result~… headers=… retried>1"),
    ],
)
def test_what_is_looked_for_in_contents_is_left_out(query, logged):
    assert without_contents(parse(query)) == logged
