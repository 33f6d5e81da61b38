# Generated from test_failures_async.py by tools/unasync.py: change that file.
"""Failures grouped by what went wrong; the blocking twin of this file is generated."""

import pytest

from pyasynq.admin.failures import failures
from pyasynq.admin.redaction import SecretWords
from pyasynq.errors import ConfigError
from pyasynq.inspector.inspector import Inspector
from tests.support.stored_tasks import store


def store_failures(client):
    for number in range(3):
        error = f"timeout after {number}s"
        fields = {"type": "email", "error_msg": error, "last_failed_at": 100 + number}
        store(client, "retry", f"r{number}", **fields)
    store(client, "archived", "a", type="email", error_msg="timeout after 99s", queue="low")
    store(client, "archived", "b", type="image", error_msg="timeout after 99s")
    store(client, "archived", "by hand")
    store(client, "pending", "p", error_msg="timeout after 1s")


def test_failures_of_one_kind_are_counted_with_the_newest(redis_url, redis_client):
    store_failures(redis_client)

    with Inspector(redis_url) as inspector:
        report = failures(inspector)

    first, second = report.groups
    assert (first.signature, first.type, first.count) == ("timeout after <n>s", "email", 4)
    assert (first.newest_ns, first.newest_error) == (102 * 10**9, "timeout after 2s")
    assert first.tasks == (("mail", "r2"), ("mail", "r1"), ("mail", "r0"), ("low", "a"))
    assert (first.queues, first.states) == ({"low": 1, "mail": 3}, {"archived": 1, "retry": 3})
    assert (second.type, second.count) == ("image", 1)
    assert (report.failures, report.scanned, report.is_complete) == (5, 6, True)


def test_a_filter_leaves_out_others(redis_url, redis_client):
    store_failures(redis_client)

    with Inspector(redis_url) as inspector:
        report = failures(inspector, "queue:low")

    assert [(each.type, each.count) for each in report.groups] == [("email", 1)]


def test_a_report_may_be_bounded(redis_url, redis_client):
    for number in range(601):
        store(redis_client, "archived", str(number), error_msg=chr(97 + number % 5))

    with Inspector(redis_url) as inspector:
        report = failures(inspector, scan=1, most=2)
        with pytest.raises(ConfigError):
            failures(inspector, most=0)

    assert (report.scanned, report.is_complete) == (500, False)
    assert [each.count for each in report.groups] == [299, 101, 100]
    assert report.groups[0].signature == "<others>"


def test_secrets_in_errors_are_hidden(redis_url, redis_client):
    store(redis_client, "archived", "a", error_msg="refused: token=abc")

    with Inspector(redis_url) as inspector:
        report = failures(inspector, redact=SecretWords())

    assert report.groups[0].newest_error == "refused: token=[hidden]"
