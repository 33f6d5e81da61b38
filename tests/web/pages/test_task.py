"""The page of one task: all that is known of it, why it does not run, and what its forms do."""

import base64
import hashlib
import json
import re
from html import unescape

import pytest

from pyasynq.admin.redaction import SecretWords
from pyasynq.wire.attempts import AttemptRecord, encode
from pyasynq.wire.keys import queue_keys
from pyasynq.wire.progress import ProgressRecord
from pyasynq.wire.progress import encode as encode_progress
from tests.support.redis_dump import dump
from tests.support.stored_tasks import store

PATH = "/queues/mail/tasks"


def task_of(client, task_id):
    return client.hget(f"asynq:{{mail}}:t:{task_id}", "state")


def form_of(page):
    """Return the hidden fields of the form that edits a payload, and what is in its text area."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
    text = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    return {**fields, "payload": unescape(text[1]) if text else None}


async def test_it_tells_all_that_is_known(web, redis_client, now_s):
    store(
        redis_client,
        "retry",
        "full",
        type="email:send",
        payload=b'{"user": {"id": 42}}',
        headers={"trace": "abc"},
        group="",
        score=now_s + 600,
        error_msg="Traceback:\n  line 1",
        last_failed_at=now_s - 60,
        retry=7,
        retried=2,
        timeout=90,
        retention=3600,
        unique_key="asynq:{mail}:unique:email:send:5d41",
    )

    page = unescape(await web.page(f"{PATH}/full"))

    for words in ("2 of 7", "1m 30s", "1h", "email:send:5d41", "Traceback:\n  line 1", "trace"):
        assert words in page, words
    assert '<a href="/types/email%3Asend">email:send</a>' in page
    assert '<span class="key">id</span> <code class="number">42</code>' in page
    assert re.search(r'Due</dt><dd><time class="relative" [^>]*>in (10m|9m 5\ds)', page)


async def test_it_tells_why_a_task_does_not_run(web, now_s):
    page = unescape(await web.page("/queues/orders/tasks/pending-1"))

    assert '<code class="code">paused</code>' in page


async def test_it_tells_who_runs_an_active_task(web, redis_client, now_s):
    redis_client.zadd("asynq:{mail}:lease", {"active-1": now_s + 60})

    page = await web.page(f"{PATH}/active-1")

    assert "web-1:4117" in page
    assert ">Running</span>" in page
    assert 'action="/queues/mail/tasks/active-1/cancel"' in page


async def test_the_timeline_tells_what_redis_knows(web, now_s):
    pending, done = await web.page(f"{PATH}/pending-1"), await web.page(f"{PATH}/completed-1")

    assert events_of(pending) == ["Pending"]
    assert events_of(done) == ["Completed", "Kept until then"]
    assert "Redis keeps only the last failure" in pending


async def test_with_a_history_the_timeline_and_a_table_tell_every_attempt(web, redis_client, now_s):
    keys, second = queue_keys("mail"), 10**9
    for number, error in ((1, "first <b>"), (2, "second")):
        record = AttemptRecord(
            number=number,
            outcome="failed",
            then="retried",
            started_ns=(now_s - 100 * (3 - number)) * second,
            ended_ns=(now_s - 100 * (3 - number) + 5) * second,
            waited_ns=second,
            error=error,
            traceback=f'File "x.py"\n{error}',
            worker="web-1:42:id",
        )
        redis_client.zadd(keys.attempts_of("retry-1"), {encode(record): number})

    page = await web.page(f"{PATH}/retry-1")

    assert events_of(page) == [
        *("Pending · attempt 1", "Started · attempt 1", "Failed · attempt 1"),
        *("Pending · attempt 2", "Started · attempt 2", "Failed · attempt 2"),
        "Due",
    ]
    assert "File &#34;x.py&#34;\nfirst &lt;b&gt;</pre>" in page
    assert "Failed → retried" in page.replace("\n", " ")
    assert "Redis keeps only" not in page


def events_of(page):
    part = page.partition('<ol class="timeline">')[2].partition("</ol>")[0]
    return [unescape(each) for each in re.findall(r"<li[^>]*>\s*<span>([^<]*)</span>", part)]


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        (b"", "Nothing</p>"),
        (b"hello\nworld", '<pre tabindex="0" class="text">hello\nworld</pre>'),
        (b"\x1b[31mred", '<pre tabindex="0" class="text">\\x1b[31mred</pre>'),
        (
            b"\x00\xff" * 8,
            "00000000  00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff 00 ff  ................",
        ),
        (b"\x00\xff", base64.b64encode(b"\x00\xff").decode()),
        (b"x" * 30_000, "download it to see all"),
        (b'{"n": 12345678901234567890123}', '<code class="number">12345678901234567890123</code>'),
        (b"[" * 30_000, "download it to see all"),
        (b'{"a": [' + b"1," * 5000 + b"1]}", "more</span>"),
        (b'{"a": "<script>"}', "&lt;script&gt;"),
        (b'"\xe2\x80\xae"', "\\u202e"),
    ],
)
async def test_a_payload_is_shown_whatever_it_is(web, redis_client, payload, shown):
    store(redis_client, "pending", "a", payload=payload)

    page = await web.page(f"{PATH}/a")

    assert shown in page
    assert len(page) < 300_000


async def test_a_payload_and_a_result_are_files_that_no_browser_shows(web, redis_client):
    store(redis_client, "completed", "a", payload=b"<script>\xff", result=b"<b>")

    payload = await web.ask("GET", f"{PATH}/a/payload")
    result = await web.ask("GET", f"{PATH}/a/result")

    assert (payload.content, result.content) == (b"<script>\xff", b"<b>")
    for answer in (payload, result):
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["content-disposition"].startswith("attachment; ")
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_task_without_a_result_has_no_file_of_it(web, redis_client):
    store(redis_client, "pending", "a")

    assert (await web.ask("GET", f"{PATH}/a/result")).status_code == 404
    assert (await web.ask("GET", f"{PATH}/nope/payload")).status_code == 404


async def test_what_is_hidden_is_hidden_everywhere(make_web, redis_client):
    store(
        redis_client,
        "retry",
        "a",
        payload=b'{"password": "hunter2"}',
        headers={"authorization": "hunter2"},
        error_msg="password=hunter2",
        result=b'{"token": "hunter2"}',
    )
    web = make_web(redactor=SecretWords())

    page = await web.page(f"{PATH}/a")
    files = [await web.ask("GET", f"{PATH}/a/{each}") for each in ("payload", "result")]
    answer = await web.send(f"{PATH}/a/edit", payload="{}", seen=digest(b'{"password": "hunter2"}'))

    assert "hunter2" not in page + "".join(each.text for each in files)
    assert "it cannot be edited here" in page
    assert "/a/edit" not in page
    assert answer.status_code == 409


def digest(payload):
    return hashlib.sha256(payload).hexdigest()


@pytest.mark.parametrize(
    ("verb", "task_id", "state"),
    [("run", "retry-1", b"pending"), ("archive", "pending-1", b"archived")],
)
async def test_a_task_is_run_and_archived(web, redis_client, now_s, verb, task_id, state):
    answer = await web.send(f"{PATH}/{task_id}/{verb}", back=f"{PATH}/{task_id}")

    assert answer.status_code == 303
    assert task_of(redis_client, task_id) == state
    assert "data-notice>" in await web.page(answer.headers["location"])


async def test_a_deleted_task_leads_to_its_queue(web, redis_client, now_s):
    answer = await web.send(f"{PATH}/retry-1/delete", status="retry")

    assert answer.headers["location"] == "/queues/mail?status=retry&notice=task_deleted"
    assert not redis_client.exists("asynq:{mail}:t:retry-1")


@pytest.mark.parametrize(
    ("then", "status", "mark"),
    [("retry", 303, None), ("archive", 303, b"archive"), ("drop", 303, b"drop"), ("x", 400, None)],
)
async def test_a_task_is_cancelled_and_then(web, redis_client, now_s, then, status, mark):
    answer = await web.send(f"{PATH}/active-1/cancel", back="/", then=then)

    assert answer.status_code == status
    assert redis_client.hget("asynq:{mail}:t:active-1", "on_cancel") == mark


async def test_who_may_not_delete_may_not_drop(make_web, now_s, redis_client):
    web = make_web(access="operate")

    page = await web.page(f"{PATH}/active-1")
    answer = await web.send(f"{PATH}/active-1/cancel", then="drop")

    assert 'value="drop"' not in page
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("fields", "due_in"),
    [({"in": "5m"}, 300), ({"in": "1d"}, 86_400), ({"at": "2090-01-01T12:00:30"}, None)],
)
async def test_a_task_is_put_off(web, redis_client, now_s, fields, due_in):
    answer = await web.send(f"{PATH}/retry-1/reschedule", back="/", **fields)
    due = redis_client.zscore("asynq:{mail}:retry", "retry-1")

    assert answer.status_code == 303
    assert due == pytest.approx(now_s + due_in, abs=30) if due_in else due == 3_786_955_230


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"at": "soon"},
        {"at": "0001-01-01T00:00"},
        {"in": "5"},
        {"in": "-5m"},
        {"in": "9999999d"},
    ],
)
async def test_a_wrong_time_is_refused(web, redis_client, now_s, fields):
    before = dump(redis_client)

    answer = await web.send(f"{PATH}/retry-1/reschedule", back="/", **fields)

    assert answer.status_code == 400
    assert dump(redis_client) == before


@pytest.mark.parametrize(
    ("payload", "typed", "stored"),
    [
        (b'{"n": 1}', '{"n":\r\n2}', b'{"n":\n2}'),
        (b"a\nb", "a\r\nc", b"a\nc"),
        (b"a\r\nb", "a\r\nc", b"a\r\nc"),
        (b"\n\na", "\r\nb", b"\nb"),
        (b"\x00\xff", "AP/+\r\n", b"\x00\xff\xfe"),
        ("é</textarea>".encode(), "ü", "ü".encode()),
    ],
)
async def test_a_payload_is_edited_as_it_is_stored(web, redis_client, payload, typed, stored):
    store(redis_client, "archived", "a", payload=payload)
    form = form_of(await web.page(f"{PATH}/a"))

    answer = await web.send(f"{PATH}/a/edit", **{**form, "payload": typed})
    file = await web.ask("GET", f"{PATH}/a/payload")

    assert answer.status_code == 303, answer.text
    assert file.content == stored


@pytest.mark.parametrize(
    "payload", [b'{"n": 1}\n', b"\nfirst", b"a\r\nb", b"\x00\xff", "é<b>&amp;".encode(), b"[1,\n2]"]
)
async def test_a_payload_that_is_saved_as_it_is_stays_the_same(web, redis_client, payload):
    store(redis_client, "archived", "a", payload=payload)
    form = form_of(await web.page(f"{PATH}/a"))

    sent = form["payload"].replace("\r\n", "\n").replace("\n", "\r\n")  # as browsers do
    await web.send(f"{PATH}/a/edit", **{**form, "payload": sent})

    assert (await web.ask("GET", f"{PATH}/a/payload")).content == payload


async def test_a_payload_that_others_have_changed_is_not_overwritten(web, redis_client):
    store(redis_client, "archived", "a", payload=b'{"n": 1}')
    form = form_of(await web.page(f"{PATH}/a"))
    await web.send(f"{PATH}/a/edit", **{**form, "payload": '{"n": 2}'})

    answer = await web.send(f"{PATH}/a/edit", **{**form, "payload": '{"n": 3}'})

    assert answer.status_code == 409
    assert "its payload has changed since you looked at it" in answer.text
    assert (await web.ask("GET", f"{PATH}/a/payload")).content == b'{"n": 2}'


@pytest.mark.parametrize(
    ("kind", "typed", "text"),
    [("json", "{", "the old payload is JSON"), ("base64", "é", "must be Base64")],
)
async def test_a_payload_of_another_form_is_refused(web, redis_client, kind, typed, text):
    store(redis_client, "archived", "a", payload=b"{}")
    before = dump(redis_client)

    answer = await web.send(f"{PATH}/a/edit", kind=kind, payload=typed, seen=digest(b"{}"))

    assert answer.status_code == 400
    assert text in answer.text
    assert dump(redis_client) == before


async def test_a_task_that_is_gone_is_not_found_and_where_it_may_be_is_told(web, now_s):
    answer = await web.ask("GET", f"{PATH}/gone-1")

    assert answer.status_code == 404
    assert "A task that is done is gone unless it has a retention" in answer.text
    assert '<code class="code">may_be_done</code>' in answer.text
    assert 'href="/tasks?query=id%3Dgone-1"' in answer.text


async def test_a_damaged_task_is_shown_as_damaged_and_can_be_deleted(web, now_s, redis_client):
    redis_client.hset("asynq:{mail}:t:retry-1", "msg", b"\xff\xff")

    answer = await web.ask("GET", f"{PATH}/retry-1")
    deleted = await web.send(f"{PATH}/retry-1/delete")

    assert answer.status_code == 409
    assert "This task cannot be read" in answer.text
    assert deleted.status_code == 303
    assert not redis_client.exists("asynq:{mail}:t:retry-1")


@pytest.mark.parametrize(
    ("task_id", "acts"),
    [
        ("pending-1", {"archive", "delete", "reschedule", "edit"}),
        ("scheduled-1", {"run", "archive", "delete", "reschedule", "edit"}),
        ("retry-1", {"run", "archive", "delete", "reschedule", "edit"}),
        ("archived-1", {"run", "delete", "reschedule", "edit"}),
        ("completed-1", {"run", "archive", "delete"}),
        ("aggregating-1", {"run", "archive", "delete", "edit"}),
        ("active-1", {"cancel"}),
    ],
)
async def test_each_state_has_its_acts(web, now_s, task_id, acts):
    page = await web.page(f"{PATH}/{task_id}")

    assert set(re.findall(rf'action="{PATH}/{task_id}/(\w+)"', page)) == acts


@pytest.mark.parametrize("settings", [{"access": "read"}, {"read_only": True}])
async def test_a_reader_sees_no_form(make_web, now_s, settings):
    page = await make_web(**settings).page(f"{PATH}/retry-1")

    assert f'action="{PATH}' not in page


async def test_names_that_are_odd_lead_to_their_task(web, redis_client):
    odd = 'a/b?c#d%2F "é".'
    store(redis_client, "archived", odd, queue="..", payload=json.dumps(odd).encode())

    listed = await web.page("/queues/%2E%2E?status=archived")
    path = unescape(re.search(r'data-href="([^"]+)"', listed)[1])
    page = unescape(await web.page(path))

    assert odd in page
    assert f'action="{path}/run"' in page


async def test_what_cannot_be_read_beside_a_task_does_not_hide_it(web, now_s, redis_client):
    redis_client.set(queue_keys("mail").attempts_of("retry-1"), "x")
    redis_client.hset("asynq:{mail}:t:retry-1", "progress", b"\xff")

    assert "mailbox &lt;full&gt;" in await web.page(f"{PATH}/retry-1")


async def test_how_far_a_handler_is_is_told(web, now_s, redis_client):
    record = ProgressRecord(
        done=1500.0, total=6000.0, note="copying <b>", attempt=1, at_ns=now_s * 10**9
    )
    redis_client.hset("asynq:{mail}:t:active-1", "progress", encode_progress(record))

    page = await web.page(f"{PATH}/active-1")

    assert '<progress max="1" value="0.25"></progress>' in page
    assert re.search(r"1,500\s*/ 6,000", page)
    assert "copying &lt;b&gt;" in page


async def test_attempts_that_make_no_sense_do_not_hide_a_task(web, now_s, redis_client):
    record = AttemptRecord(
        number=10**12, outcome="?", started_ns=1, ended_ns=2**62, waited_ns=2**62, worker="::::"
    )
    redis_client.zadd(queue_keys("mail").attempts_of("retry-1"), {encode(record): 1, b"\xff": 2})

    page = await web.page(f"{PATH}/retry-1")

    assert "Not known" in page
