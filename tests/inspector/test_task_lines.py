"""Whatever is stored of a task comes back from its line."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.broker.operations.transfer import StoredHash
from pyasynq.errors import PayloadError
from pyasynq.inspector.exports import line_of
from pyasynq.inspector.imports import task_of
from pyasynq.task import TaskState
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.message import TaskMessage, encode

KEYS = queue_keys("mail")
NUMBERS = {"retry": 31, "retried": 31, "timeout": 63, "retention": 63, "deadline": 63}
NUMBERS |= {"last_failed_at": 63, "completed_at": 63}
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
messages = st.builds(
    TaskMessage,
    type=text,
    payload=st.binary(max_size=40),
    headers=st.dictionaries(text, text, max_size=3),
    id=text,
    queue=text,
    error_msg=text,
    unique_key=text,
    group_key=text,
    **{
        name: st.one_of(st.just(0), st.integers(-(2**bits), 2**bits - 1))
        for name, bits in NUMBERS.items()
    },
)
bodies = st.one_of(messages.map(encode), st.binary(max_size=60))
values = st.one_of(text.map(str.encode), st.binary(max_size=20))
others = st.dictionaries(
    st.one_of(st.sampled_from([b"state", b"result", b"group", b"unique_key"]), values),
    values,
    max_size=5,
)
hashes = st.builds(
    lambda data, more: more if data is None else {**more, b"msg": data},
    st.one_of(st.none(), bodies),
    others,
).filter(bool)


@settings(max_examples=300)
@given(
    state=st.sampled_from(TaskState),
    fields=hashes,
    name=values.filter(bool),
    group=values.filter(bool),
    score=st.floats(allow_nan=False),
)
def test_a_task_is_the_same_after_its_line_was_read(state, fields, name, group, score):
    task_id, group_name = (each.decode("utf-8", "surrogateescape") for each in (name, group))
    found = StoredHash(task_id=task_id, score=score, fields=fields)

    line = line_of(KEYS, state, group_name, found)
    read = task_of(line, namespace="asynq", queue=None, active="active", now_ns=0)

    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert (read.task_id, read.state, dict(read.fields)) == (task_id, state, fields)
    assert state is TaskState.PENDING or read.score == score
    assert state is not TaskState.AGGREGATING or read.group == group_name


@settings(max_examples=300)
@given(
    st.one_of(
        text,
        st.binary(max_size=60),
        st.fixed_dictionaries(
            {"format": st.just(1), "queue": text, "id": text, "state": st.sampled_from(TaskState)},
            optional={
                "type": text,
                "score": st.one_of(text, st.floats(allow_nan=False, allow_infinity=False)),
                "deadline": text,
                "message_base64": text,
                "fields": st.dictionaries(text, st.one_of(st.none(), text), max_size=2),
                "lock_ms": st.integers(),
            },
        ).map(json.dumps),
    )
)
def test_any_line_is_a_task_or_a_clear_error(line):
    try:
        task_of(line, namespace="asynq", queue=None, active="pending", now_ns=0)
    except PayloadError as error:
        assert str(error)


def test_a_readable_message_is_not_written_twice():
    message = TaskMessage(type="email", payload=b"{}", id="a", queue="mail", deadline=2**31)
    found = StoredHash(task_id="a", score=None, fields={b"msg": encode(message)})

    assert "message_base64" not in line_of(KEYS, TaskState.PENDING, "", found)


@pytest.mark.parametrize(
    "message", [TaskMessage(type="email", id="b"), TaskMessage(type="email", deadline=2**60)]
)
def test_a_message_that_its_fields_do_not_make_is_written_as_bytes_as_well(message):
    found = StoredHash(task_id="a", score=None, fields={b"msg": encode(message)})

    line = line_of(KEYS, TaskState.PENDING, "", found)

    assert '"type":"email"' in line
    assert "message_base64" in line
