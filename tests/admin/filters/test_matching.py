"""Which tasks a filter matches, and that it decodes no more than it needs."""

import pytest

from pyasynq.admin.filters import matcher, parse
from pyasynq.errors import PayloadError
from tests.support.builders import NOW_NS, make_found

NOW_S = NOW_NS // 10**9
HOUR = 3600
PAYLOAD = (
    b'{"user": {"id": 42, "name": "Ann"}, "items": [{"sku": "AB1"}, {"sku": "C2"}], "ok": true}'
)
TASK = {
    "type": "email:welcome",
    "task_id": "task-7",
    "payload": PAYLOAD,
    "error_msg": "Timeout after 30s",
    "retried": 3,
    "retry": 25,
    "headers": {"trace": "abc"},
    "score": NOW_S - 2 * HOUR,
    "last_failed_at": NOW_S - 3 * HOUR,
    "deadline": NOW_S + HOUR,
    "result": b'{"sent": 2}',
}


def is_match(query, **fields):
    return matcher(parse(query), NOW_NS)(make_found(**{**TASK, **fields}))


@pytest.mark.parametrize(
    "query",
    [
        "",
        "queue:mail",
        "queue:other,ma*",
        "state:archived",
        "type:email:*",
        "type:*:welcome",
        "type:email?welcome",
        "type~WELCOME",
        "id=task-7",
        'group=""',
        "error~timeout",
        "error:Timeout*",
        'error="Timeout after 30s"',
        "fingerprint=fa1c1040ba60",
        "fingerprint:fa1c*",
        "fingerprint!=000000000000",
        "fingerprint~A1C",
        "payload~ann",
        "result~sent",
        "payload.user.id=42",
        "payload.user.id=42.0",
        "payload.user.id>=42",
        "payload.user.id:4*",
        "payload.user.name=Ann",
        "payload.user.name>Aaa",
        "payload.user.name~AN",
        "payload.items[0].sku:AB*",
        "payload.items[-1].sku=C2",
        "payload.ok=true",
        "payload.ok~true",
        "payload.items~AB1",
        "payload.absent!=1",
        "result.sent=2",
        "headers.trace=abc",
        "headers.absent!=abc",
        "retried>=3",
        "retried:3",
        "max_retry!=24",
        "size>80",
        "orphaned:false",
        "age>1h",
        "age<=121m",
        "since<2033-05-18T02:00Z",
        "failed>2h",
        "deadline<61m",
        "task-7",
        '"after 30s"',
        "welcome ann",
        "nothing or ann",
        "!nothing",
        "not (nothing or state:retry)",
    ],
)
def test_a_task_matches(query):
    assert is_match(query)


@pytest.mark.parametrize(
    "query",
    [
        "queue:other",
        "queue!=mail",
        "state:retry",
        "type:email",
        "type=email:*",
        "id:task",
        "error~refused",
        "fingerprint=000000000000",
        "fingerprint!=fa1c1040ba60",
        'fingerprint=""',
        "payload~bob",
        "payload.user.id=43",
        'payload.user.id="42"',
        "payload.user.id>x",
        "payload.user.name=42",
        "payload.ok=1",
        "payload.user=null",
        "payload.items[2].sku=C2",
        "payload.items.sku=C2",
        "payload.absent=null",
        "payload.absent>0",
        "headers.absent=abc",
        "retried>3",
        "size>1MB",
        "orphaned:true",
        "age>121m",
        "failed<179m",
        "completed<1h",
        "next<100d",
        "deadline<59m",
        "nothing",
        "welcome nothing",
        "!ann",
    ],
)
def test_a_task_does_not_match(query):
    assert not is_match(query)


@pytest.mark.parametrize(
    ("query", "state", "fields"),
    [
        ("next<10m", "scheduled", {"due_ns": NOW_NS + 9 * 60 * 10**9}),
        ("next<=0s", "pending", {}),
        ("age>=1m", "pending", {"pending_since_ns": NOW_NS - 60 * 10**9}),
        ("age>1h", "retry", {}),
        ("completed<5m", "completed", {"completed_at": NOW_S - 60}),
        ("age<5m", "completed", {"completed_at": NOW_S - 60}),
        ("orphaned:true", "active", {"score": NOW_S - 1}),
        ("group:g age>1h", "aggregating", {"group_key": "g"}),
    ],
)
def test_times_are_those_of_the_state(query, state, fields):
    assert is_match(query, state=state, **fields)


@pytest.mark.parametrize("query", ["age>0s", "age<999d", "since<2100-01-01"])
def test_a_time_that_is_not_known_matches_nothing(query):
    assert not is_match(query, state="active")


def test_a_payload_that_is_no_json_has_no_values():
    assert not is_match("payload.a=1", payload=b'{"a": 1')
    assert is_match("payload.a!=1", payload=b"[" * 100_000)


def test_a_key_that_is_escaped_in_the_payload_is_found():
    assert is_match("payload.user=1", payload=rb'{"\u0075ser": 1}')


def test_a_text_that_is_not_utf_8_is_found():
    assert is_match("payload~\udcff", payload=b"\xff")


@pytest.mark.parametrize(
    "query", ["state:archived", "id:b error~x", "error~x next<1s", "type:nothing ann"]
)
def test_what_rules_a_task_out_without_its_message_is_asked_first(query):
    task = make_found(data=b"\x0a\x05email, and no more that can be read")

    assert matcher(parse(query), NOW_NS)(task) is (query == "state:archived")


def test_a_message_that_cannot_be_read_is_an_error_if_it_is_needed():
    with pytest.raises(PayloadError):
        matcher(parse("error~x"), NOW_NS)(make_found(data=b"\xff"))
