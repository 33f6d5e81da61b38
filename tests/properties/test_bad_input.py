"""Bad input is a clear error that changes nothing, or has a right answer, wherever it comes in."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.cli.main import pyasynq, run
from pyasynq.client import Client
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError, EnqueueError, PayloadError
from pyasynq.inspector import Inspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire import go_duration, message, option_text, records
from tests.properties.strategies import garbage, headers, likely_options, options, texts

SCHEMES = ("redis", "rediss", "unix", "redis-sentinel", "redis-cluster", "embedded", "http")
FLAGS = (
    *("--queue", "--id", "--retry", "--timeout", "--deadline", "--unique", "--process_in"),
    "--header",
)


def keys_of(raw, pattern="*") -> list[bytes]:
    """All keys but the list of queues, which a client does not write again each time."""
    return [key for key in raw.keys(pattern) if key != b"asynq:queues"]


def clear(raw) -> None:
    if found := keys_of(raw):
        raw.delete(*found)


@pytest.fixture(scope="module")
def url(redis_server):
    redis_client = redis_server.client()
    redis_client.flushall()
    redis_client.close()
    return redis_server.url


@pytest.fixture(scope="module")
def client(url):
    with Client(url) as client:
        yield client


@pytest.fixture(scope="module")
def inspector(url):
    with Inspector(url) as inspector:
        yield inspector


@pytest.fixture(scope="module")
def raw(redis_server):
    redis_client = redis_server.client()
    yield redis_client
    redis_client.close()


@given(options)
def test_options_are_good_or_a_config_error(given_options):
    try:
        made = EnqueueOptions(**given_options)
    except ConfigError as error:
        assert error.faults
    else:
        assert made.merged_over(EnqueueOptions(max_retry=1)).max_retry == (
            1 if made.max_retry is None else made.max_retry
        )


@given(texts, st.binary(max_size=100) | st.none(), headers, likely_options)
def test_what_is_enqueued_is_what_is_stored_and_what_is_refused_leaves_nothing(
    client, inspector, raw, task_type, payload, task_headers, given_options
):
    clear(raw)
    try:
        info = client.enqueue(Task(task_type, payload, headers=task_headers), **given_options)
    except (ConfigError, PayloadError):
        assert keys_of(raw) == []
        return

    found = inspector.tasks.get(info.queue, info.id)
    assert (found.type, found.payload, found.state) == (task_type, payload or b"", info.state)
    assert found.headers == {**task_headers, **(given_options.get("headers") or {})}
    assert (found.max_retry, found.group) == (info.max_retry, given_options.get("group") or "")
    assert (found.timeout, found.deadline) == (info.timeout, info.deadline)
    assert found.retention == info.retention
    assert raw.sismember("asynq:queues", info.queue)
    assert all(f"{{{info.queue}}}".encode() in key for key in keys_of(raw))


@given(st.lists(st.tuples(texts, likely_options), max_size=8))
def test_many_are_stored_as_one_by_one_or_not_at_all(client, raw, given_tasks):
    clear(raw)
    try:
        tasks = [
            (Task(task_type), EnqueueOptions(**{**given_options, "queue": "one"}))
            for task_type, given_options in given_tasks
        ]
        results = client.enqueue_many(tasks)
    except ConfigError:
        assert keys_of(raw) == []
        return

    assert len(results) == len(tasks)
    assert all(isinstance(each.error, EnqueueError | None) for each in results)
    stored = {each.info.id.encode() for each in results if each.info}
    found = {key.partition(b":t:")[2] for key in keys_of(raw, "asynq:{one}:t:*")}
    assert found == stored


@given(st.one_of(garbage, st.text(max_size=60)))
def test_what_is_enqueued_must_be_a_task(client, raw, given):
    clear(raw)
    for enqueue in (client.enqueue, lambda each: client.enqueue_many([each])):
        with pytest.raises(ConfigError):
            enqueue(given)
    if given != []:
        with pytest.raises(ConfigError):
            client.enqueue_many(given)
    assert keys_of(raw) == []


@given(
    st.sampled_from(SCHEMES),
    st.text(max_size=20),
    st.text(max_size=20),
    st.text(max_size=40),
    st.text(max_size=40),
)
def test_a_url_is_options_or_a_config_error_without_its_password(scheme, user, host, path, query):
    secret = "pssst123"
    url = f"{scheme}://{user}:{secret}@{host}/{path}?{query}"
    try:
        shown = repr(ConnectionOptions.from_url(url))
    except ConfigError as error:
        shown = str(error)

    if secret not in f"{user}{host}{path}{query}":
        assert secret not in shown


@given(st.text(max_size=80))
def test_any_text_is_a_url_or_a_config_error(text):
    with contextlib.suppress(ConfigError):
        ConnectionOptions.from_url(text)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_payload_error(data):
    for decode in (message.decode, records.decode_server, records.decode_worker):
        with contextlib.suppress(PayloadError):
            decode(data)


@given(st.one_of(st.text(max_size=60), st.from_regex(r"\w+\(.*\)", fullmatch=True)))
def test_any_text_is_an_option_or_a_duration_or_a_payload_error(text):
    with contextlib.suppress(PayloadError):
        option_text.parse_option(text)
    with contextlib.suppress(PayloadError):
        go_duration.parse_duration(text)


@given(st.lists(st.tuples(st.sampled_from(FLAGS), texts), max_size=4), texts, texts)
def test_the_command_line_ends_with_a_code_and_no_traceback(url, raw, flags, kind, payload):
    clear(raw)
    words = [word for flag, value in flags for word in (flag, value)]
    arguments = ["task", "enqueue", "-t", kind, "-l", payload, *words, "--redis-url", url]
    errors = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(errors):
        code = run(lambda: pyasynq.main(args=arguments, standalone_mode=False))

    assert code in (0, 2, 4)
    assert bool(errors.getvalue()) == (code != 0)
    assert "Traceback" not in errors.getvalue()
    if code != 0:
        assert keys_of(raw) == []
