"""Messages and records against the bytes that Go Asynq writes and reads."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.clock import NANOSECONDS
from pyasynq.errors import PayloadError
from pyasynq.wire import asynq_pb2, records
from pyasynq.wire import message as wire_message
from pyasynq.wire.message import (
    MOST_PARTS,
    TaskMessage,
    clean_text,
    decode,
    encode,
    is_same_task,
    peek_type,
)
from tests.support.golden_data import blob, load

GOLDEN = load("messages")
KINDS = {
    "TaskMessage": (encode, decode),
    "ServerInfo": (records.encode_server, records.decode_server),
    "WorkerInfo": (records.encode_worker, records.decode_worker),
    "SchedulerEntry": (records.encode_scheduler_entry, records.decode_scheduler_entry),
    "SchedulerEnqueueEvent": (records.encode_enqueue_event, records.decode_enqueue_event),
}
# No encoder writes these; Python's protobuf library reads them in its own way.
READ_OTHERWISE = {
    "header entry with an unknown field 3": TaskMessage(),
    "10th varint byte greater than 1 (overflow)": TaskMessage(retry=-1),
}


def text(value: Any) -> str:
    return blob(value).decode("utf-8", "surrogateescape")


def time_ns(value: dict[str, int]) -> int | None:
    if value["seconds"] == records.GO_ZERO_SECONDS and value["nanos"] == 0:
        return None
    return value["seconds"] * NANOSECONDS + value["nanos"]


def task_message(fields: dict[str, Any]) -> TaskMessage:
    values: dict[str, Any] = dict(fields)
    for name in ("type", "id", "queue", "error_msg", "unique_key", "group_key"):
        if name in values:
            values[name] = text(values[name])
    if values.get("payload") is not None:
        values["payload"] = blob(values["payload"])
    else:
        values.pop("payload", None)
    headers = values.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    values["headers"] = {text(key): text(value) for key, value in pairs}
    return TaskMessage(**values)


def record(kind: str, fields: dict[str, Any]) -> Any:
    values = dict(fields)
    for name in ("host", "task_type", "task_id", "spec", "id", "queue", "server_id"):
        if name in values:
            values[name] = text(values[name])
    if "task_payload" in values:
        values["task_payload"] = blob(values["task_payload"] or "")
    if "enqueue_options" in values:
        values["enqueue_options"] = tuple(text(each) for each in values["enqueue_options"] or ())
    times = {
        "start_time": "started_ns",
        "deadline": "deadline_ns",
        "next_enqueue_time": "next_enqueue_ns",
        "prev_enqueue_time": "previous_enqueue_ns",
        "enqueue_time": "enqueued_ns",
    }
    for there, here in times.items():
        if there in values:
            values[here] = time_ns(values.pop(there))
    made = {
        "ServerInfo": records.ServerRecord,
        "WorkerInfo": records.WorkerRecord,
        "SchedulerEntry": records.SchedulerEntryRecord,
        "SchedulerEnqueueEvent": records.EnqueueEventRecord,
    }
    if "queues" in values:
        queues = values["queues"] or {}
        pairs = queues.items() if isinstance(queues, dict) else queues
        values["queues"] = {text(name): priority for name, priority in pairs}
    return made[kind](**values)


def value_of(kind: str, fields: dict[str, Any]) -> Any:
    return task_message(fields) if kind == "TaskMessage" else record(kind, fields)


def names(cases: list[dict[str, Any]]) -> list[str]:
    return [f"{case['kind']} {case['name']}" for case in cases]


ENCODED = [case for case in GOLDEN["encode"] if "encoded" in case]
REFUSED = [case for case in GOLDEN["encode"] if "encode_error" in case and case["fields"]]
NIL = [case for case in GOLDEN["encode"] if "encode_error" in case and not case["fields"]]


def test_every_recorded_case_is_replayed():
    counts = (len(ENCODED), len(REFUSED), len(NIL), len(GOLDEN["decode"]))

    assert counts == (59, 12, 5, 62)


@pytest.mark.parametrize("case", ENCODED, ids=names(ENCODED))
def test_encoding_gives_the_bytes_of_go(case):
    if _is_cut_by_go(case):
        with pytest.raises(PayloadError):
            KINDS[case["kind"]][0](value_of(case["kind"], case["fields"]))
        return

    data = KINDS[case["kind"]][0](value_of(case["kind"], case["fields"]))

    encoded = case["encoded"]
    assert len(data) == encoded["length"]
    if "hex" in encoded:
        assert data.hex() == encoded["hex"]
    else:
        assert sha256(data).hexdigest() == encoded["sha256"]
    assert KINDS[case["kind"]][1](data) == value_of(case["kind"], case["decoded"])


def _is_cut_by_go(case: dict[str, Any]) -> bool:
    """Whether Go silently cuts a number to 32 bits; here such numbers are refused."""
    numbers = [case["fields"].get(name, 0) for name in ("retry", "retried")]
    numbers += (
        (case["fields"].get("queues") or {}).values()
        if isinstance(case["fields"].get("queues"), dict)
        else []
    )
    return any(not -(2**31) <= number < 2**31 for number in numbers)


@pytest.mark.parametrize("case", REFUSED, ids=names(REFUSED))
def test_text_that_is_not_unicode_is_refused(case):
    with pytest.raises(PayloadError, match="cannot be stored"):
        KINDS[case["kind"]][0](value_of(case["kind"], case["fields"]))


@pytest.mark.parametrize("field", ["type", "id", "queue", "error_msg", "unique_key", "group_key"])
def test_lone_surrogates_are_refused(field):
    with pytest.raises(PayloadError, match="cannot be stored"):
        encode(TaskMessage(**{field: "bad\ud800"}))


@pytest.mark.parametrize("headers", [{"\ud800": "v"}, {"k": "\ud800"}])
def test_lone_surrogates_in_headers_are_refused(headers):
    with pytest.raises(PayloadError, match="cannot be stored"):
        encode(TaskMessage(headers=headers))


@pytest.mark.parametrize(
    "fields", [{"retry": 2**31}, {"retried": -(2**31) - 1}, {"timeout": 2**63}, {"type": 5}]
)
def test_numbers_that_do_not_fit_are_refused(fields):
    with pytest.raises(PayloadError):
        encode(TaskMessage(**fields))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 2_097_152])
def test_the_bytes_of_a_new_task_are_those_of_any(size):
    message = TaskMessage(
        type="email", payload=b"x" * size, id="é" * 70, queue="mail", retry=25, timeout=1800
    )
    whole = asynq_pb2.TaskMessage(
        type="email", payload=b"x" * size, id="é" * 70, queue="mail", retry=25, timeout=1800
    )

    assert encode(message) == whole.SerializeToString()


AS_GO = [case for case in GOLDEN["decode"] if case["name"] not in READ_OTHERWISE]


@pytest.mark.parametrize("case", AS_GO, ids=names(AS_GO))
def test_decoding_reads_what_go_reads(case):
    data, (write, read) = bytes.fromhex(case["hex"]), KINDS[case["kind"]]
    if not case["ok"]:
        with pytest.raises(PayloadError):
            read(data)
        return

    value = read(data)

    assert value == value_of(case["kind"], case["decoded"])
    if "reencoded_hex" in case:
        assert write(value).hex() == case["reencoded_hex"]


@pytest.mark.parametrize("name", READ_OTHERWISE)
def test_bytes_that_no_encoder_writes_do_no_harm(name):
    (case,) = (case for case in GOLDEN["decode"] if case["name"] == name)

    assert decode(bytes.fromhex(case["hex"])) == READ_OTHERWISE[name]


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_a_clear_error(data):
    try:
        message = decode(data)
    except PayloadError:
        return

    assert decode(encode(message)) == message


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
counts = st.integers(-(2**31), 2**31 - 1)
longs = st.integers(-(2**63), 2**63 - 1)


@given(
    st.builds(
        TaskMessage,
        type=texts,
        payload=st.binary(max_size=100),
        headers=st.dictionaries(texts, texts, max_size=3),
        id=texts,
        queue=texts,
        retry=counts,
        retried=counts,
        error_msg=texts,
        last_failed_at=longs,
        timeout=longs,
        deadline=longs,
        unique_key=texts,
        group_key=texts,
        retention=longs,
        completed_at=longs,
    )
)
def test_decoding_undoes_encoding(message):
    assert decode(encode(message)) == message


def read_by_protobuf(data):
    wire = asynq_pb2.TaskMessage.FromString(data)
    fields = {name: getattr(wire, name) for name in TaskMessage.__struct_fields__}
    return TaskMessage(**{**fields, "headers": dict(wire.headers)})


KNOWN = TaskMessage(
    type="mail:send", payload=b"p" * 200, id="a" * 36, queue="mail", retry=25, timeout=1800
)


@pytest.mark.parametrize("size", [1, 2, 126, 127, 128, 255, 256, 16_383, 16_384, 100_000])
def test_a_task_of_a_known_kind_is_read_like_the_first_of_its_kind(size):
    decode(encode(KNOWN))

    for message in (
        msgspec.structs.replace(KNOWN, payload=b"\x1a" * size),
        msgspec.structs.replace(KNOWN, id="é" * size),
    ):
        assert decode(encode(message)) == message


edges = st.integers(0, 16) | st.integers(-60, -1)  # where one field ends and the next one begins


@given(edges, st.binary(max_size=3), st.integers(0, 3), st.sampled_from([1, 130, 200]))
@settings(max_examples=2_000)
def test_a_damaged_message_of_a_known_kind_is_read_as_by_protobuf(at, put, cut, size):
    known = msgspec.structs.replace(KNOWN, payload=b"p" * size)
    decode(encode(known))
    data = encode(known)
    at %= len(data)
    damaged = data[:at] + put + data[at + cut :]

    try:
        expected = read_by_protobuf(damaged)
    except DecodeError:
        with pytest.raises(PayloadError):
            decode(damaged)
    else:
        assert decode(damaged) == expected


def test_a_long_type_is_not_cut_where_a_short_one_would_end():
    # The first makes the bytes up to its last letter look like a type of 130 bytes, the second
    # then has the tag of a payload there, and in its payload what looks like the tag of an ID.
    payload = bytes(17) + b"\x1a" + bytes([39]) + b"x"
    first = msgspec.structs.replace(KNOWN, type="\x01" * 130, payload=payload)
    second = msgspec.structs.replace(first, type="\x01" * 129 + "\x12")

    assert decode(encode(first)) == first
    assert decode(encode(second)) == second


def test_the_kinds_that_are_known_do_not_fill_the_memory():
    for number in range(3 * MOST_PARTS):
        message = msgspec.structs.replace(KNOWN, type=f"mail:{number}", queue=f"q{number}")
        assert decode(encode(message)) == message

    assert len(wire_message._types) <= MOST_PARTS
    assert len(wire_message._limits) <= MOST_PARTS


def test_a_retried_task_is_still_the_same_task():
    born = TaskMessage(id="a", type="t", payload=b"p")
    later = wire_message.msgspec.structs.replace(born, retried=2, error_msg="x", last_failed_at=9)

    assert is_same_task(born, later)
    assert not is_same_task(born, TaskMessage(id="a", type="t", payload=b"other"))


def test_long_text_is_cut_at_a_character():
    assert clean_text("é" * 10, 10) == "ééé…"


def test_surrogates_are_written_out():
    assert clean_text("a\ud800", 100) == "a\\ud800"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (encode(TaskMessage(type="email:welcome", payload=b"x", id="a")), "email:welcome"),
        (encode(TaskMessage(type="é", id="a")), "é"),
        (encode(TaskMessage(type="x" * 127)), "x" * 127),
        (encode(TaskMessage(type="x" * 128)), None),
        (encode(TaskMessage(payload=b"x")), None),
        (b"\x0a\x02\xff\xff", None),
        (b"\x0a", None),
        (b"", None),
    ],
)
def test_the_type_is_read_without_the_rest_or_left_to_a_decoder(data, expected):
    assert peek_type(data) == expected
