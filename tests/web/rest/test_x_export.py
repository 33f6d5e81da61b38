"""Tasks as files: what is in them, and that they end with their reader or with Redis."""

import asyncio
import csv
import io
import json
from urllib.parse import quote

import pytest

from pyasynq.admin.redaction import SecretWords
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.inspector import AsyncInspector, DamagedTask
from pyasynq.task import TaskState
from pyasynq.web import create_app
from pyasynq.web.rest.x.exports import COLUMNS, csv_row, in_csv
from tests.support.redis_dump import dump
from tests.support.stored_tasks import store

EXPORT = "/api/x/export"


async def text(web, query, status=200):
    answer = await web.ask("GET", f"{EXPORT}?{query}")
    assert answer.status_code == status, answer.text
    return answer.text


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


async def test_jsonl_has_a_line_for_each_task_with_the_fields_of_a_search(web, now_s):
    lines = (await text(web, "query=state:retry")).splitlines()
    found = await web.get("/api/x/search?query=state:retry")

    assert [json.loads(each) for each in lines] == [
        {**each, "damage": None} for each in found["tasks"]
    ]


async def test_csv_has_a_column_for_every_field(web, now_s):
    lines = await text(web, "query=state:retry&format=csv")
    found = await web.get("/api/x/search?query=state:retry")

    rows = table(lines)
    assert {*COLUMNS} == {*found["tasks"][0], "damage"}
    assert [each["id"] for each in rows] == [each["id"] for each in found["tasks"]]
    assert (rows[0]["max_retry"], rows[0]["is_orphaned"], rows[0]["timeout"]) == (
        "25",
        "false",
        "1800.0",
    )
    assert (rows[1]["payload"], rows[1]["payload_base64"]) == ("", "AP8=")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 29),
        ("queue=mail", 21),
        ("queue=mail&state=archived", 3),
        ("queue=mail&state=aggregating&group=daily", 3),
        ("queue=mail&state=aggregating&group=other", 0),
        ("query=queue:mail+type:*retry", 3),
        ("query=id:retry-1,retry-2,nobody", 3),
    ],
)
async def test_a_filter_or_a_queue_says_which_tasks(web, now_s, query, count):
    assert len((await text(web, query)).splitlines()) == count


async def test_a_file_that_can_be_imported_holds_everything(web, now_s, redis_url, redis_client):
    lines = await text(web, "queue=mail&state=archived&format=import")
    before = dump(redis_client)

    redis_client.flushall()
    async with AsyncInspector(redis_url) as inspector:
        result = await inspector.tasks.import_(io.StringIO(lines))

    assert result.imported == 3
    kept = [key for key in before if "{mail}" in key and "archived" in key]
    assert len(kept) == 4
    assert {key: dump(redis_client)[key] for key in kept} == {key: before[key] for key in kept}


async def test_what_is_hidden_is_in_no_file(make_web, redis_client):
    store(redis_client, "retry", "a", payload=b'{"password": "hunter2"}', error_msg="token=hunter2")
    web = make_web(redactor=SecretWords())

    files = [await text(web, f"queue=mail&format={each}") for each in ("csv", "jsonl")]
    refusal = await text(web, "queue=mail&format=import", status=409)

    assert ["hunter2" in each for each in files] == [False, False]
    assert "cannot be exported whole" in refusal


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
async def test_no_spreadsheet_takes_a_cell_for_a_formula(web, redis_client, start):
    formula = f'{start}HYPERLINK("http://evil.example")'
    store(redis_client, "retry", formula, type=formula, error_msg=formula, payload=formula.encode())

    (row,) = table(await text(web, "queue=mail&format=csv"))

    for name in ("id", "type", "last_error", "payload"):
        assert row[name] == f"'{formula}"


def test_cells_are_quoted_and_odd_bytes_are_shown_as_such():
    task = DamagedTask(id='a",\n\udcff', queue="mail", state=TaskState.RETRY, reason="it is gone")

    assert csv_row(task)[COLUMNS.index("damage")] == "it is gone"
    assert in_csv([[task.id, "b"]]) == '"a"",\n\ufffd",b\r\n'.encode()


async def test_what_cannot_be_read_is_told_in_the_file(web, redis_client):
    for task_id in ("good", "bad"):
        store(redis_client, "retry", task_id)
    redis_client.hset("asynq:{mail}:t:bad", "msg", b"\xff")
    redis_client.set("asynq:{mail}:archived", "no set")

    rows = [json.loads(each) for each in (await text(web, "queue=mail")).splitlines()]

    told = {(each["state"], each["id"]): bool(each["damage"]) for each in rows}
    assert told == {("retry", "good"): False, ("retry", "bad"): True, ("archived", ""): True}


@pytest.mark.parametrize(
    ("query", "status", "error"),
    [
        ("format=xml", 400, "format must be jsonl, csv, import, not 'xml'"),
        ("query=type:", 400, "type"),
        ("query=queue:nowhere", 404, "'nowhere'"),
        ("queue=nowhere", 404, "'nowhere'"),
        ("queue=nowhere&format=import", 404, "'nowhere'"),
        ("queue=mail&query=a", 400, "give either query, or queue"),
        ("state=retry", 400, "need a queue"),
        ("queue=mail&state=dead", 400, "state must be one of"),
        ("format=import", 400, "takes a queue, and no query"),
        ("format=import&queue=mail&state=retry&group=a", 400, "only tasks that are aggregating"),
    ],
)
async def test_a_wrong_export_is_refused_before_it_begins(web, now_s, query, status, error):
    assert error in json.loads(await text(web, query, status=status))["error"]


async def test_a_browser_saves_it_under_a_name(web, now_s):
    answers = {
        form: await web.ask("HEAD", f"{EXPORT}?format={form}&queue=mail")
        for form in ("csv", "jsonl", "import")
    }

    assert {form: each.headers["content-disposition"] for form, each in answers.items()} == {
        "csv": 'attachment; filename="tasks.csv"',
        "jsonl": 'attachment; filename="tasks.jsonl"',
        "import": 'attachment; filename="tasks.jsonl"',
    }
    assert answers["csv"].headers["content-type"] == "text/csv; charset=utf-8"
    assert [each.content for each in answers.values()] == [b""] * 3


async def ask(app, query, *, after_first=lambda: None, spec_version="2.3"):
    """Send a request as a server does; call something after the first part of the answer."""
    sent, is_gone = [], asyncio.Event()
    scope = {
        "type": "http",
        "method": "GET",
        "path": EXPORT,
        "raw_path": EXPORT.encode(),
        "query_string": quote(query, safe="=&").encode(),
        "headers": [],
        "client": ("127.0.0.1", 1),
        "asgi": {"spec_version": spec_version},
    }

    async def receive():
        await is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)
        if len(sent) == 2 and after_first() == "gone":
            is_gone.set()
            if spec_version == "2.4":
                raise OSError
        await asyncio.sleep(0)

    await app(scope, receive, send)
    return sent


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
@pytest.mark.parametrize("form", ["csv", "jsonl", "import"])
async def test_whoever_goes_away_stops_the_reading(web, redis_client, form, spec_version):
    with redis_client.pipeline() as pipeline:
        for number in range(3000):
            store(pipeline, "archived", str(number))
        pipeline.execute()

    query = f"queue=mail&format={form}"
    whole = await ask(web.app, query)
    part = await ask(web.app, query, after_first=lambda: "gone", spec_version=spec_version)

    assert whole[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert all(len(each.get("body", b"").splitlines()) <= 501 for each in whole)
    assert len(part) < len(whole) / 2
    assert part[-1] != whole[-1]


async def test_a_redis_that_fails_half_way_breaks_the_file_off(own_redis, monkeypatch, caplog):
    for call in (AsyncRunner.run, AsyncRunner.run_all):
        monkeypatch.setitem(call.__kwdefaults__, "patience_s", 0)  # else it is 5 s
    client = own_redis.client()
    for number in range(1200):
        store(client, "archived", str(number))
    client.close()
    app = create_app(own_redis.url)

    sent = await ask(app, "queue=mail", after_first=own_redis.kill, spec_version="2.4")
    await app.aclose()

    assert sent[0]["status"] == 200
    assert sent[-1]["more_body"] is True
    assert "an export was broken off: redis is not available" in caplog.text
    assert "Traceback" not in caplog.text
