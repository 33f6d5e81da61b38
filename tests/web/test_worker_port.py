"""The HTTP port of a worker: its probes, and the web UI beside them."""

import json
from datetime import UTC, datetime

import pytest

import pyasynq.web.worker_port
from pyasynq.connection.options import ConnectionOptions
from pyasynq.lifecycle.health import Health, HealthCheck
from pyasynq.measurements.reading import Reading
from pyasynq.web import create_app
from pyasynq.web.refusal import Refusal
from pyasynq.web.worker_port import LateUi, WorkerPort
from tests.support.scraped import OPENMETRICS, of, samples_of
from tests.support.stored_tasks import store
from tests.support.web import Web, lifespan

SINCE = datetime(2026, 11, 28, 15, 47, tzinfo=UTC)


def check(name, detail="", *, ok=True):
    return HealthCheck(name=name, ok=ok, since=SINCE, detail=detail)


class Told:
    """The health of a worker that does not exist, or of several processes."""

    def __init__(self, *ready, alive=()):
        self.alive = alive or ((check("loop"),),)
        self.ready = ready or ((check("redis"), check("slots")),)

    async def liveness(self):
        return [Health(checks=checks) for checks in self.alive]

    async def readiness(self):
        return [Health(checks=checks) for checks in self.ready]


STOPPING = (check("fetching", "it shuts down", ok=False), check("redis"))


class Measured:
    """What that worker has measured."""

    def __init__(self, *, is_of_this_process=False):
        self.is_of_this_process = is_of_this_process

    async def readings(self):
        return [Reading("pyasynq_leases_lost_total", ('a"\n\udce9',), 3.0)]


async def asked(port, path, method="GET"):
    answer = await Web(port).ask(method, path)
    return answer.status_code, answer.text.strip()


async def told(port, path):
    code, text = await asked(port, path)
    return code, json.loads(text)


async def test_a_worker_that_is_well_is_alive_and_ready_and_each_check_is_a_line():
    port = WorkerPort(Told(), Measured(), None)

    assert (await asked(port, "/readyz"))[1].splitlines() == [
        '{"status":"ok","checks":[',
        '  {"name":"redis","ok":true,"since":"2026-11-28T15:47:00Z","detail":""},',
        '  {"name":"slots","ok":true,"since":"2026-11-28T15:47:00Z","detail":""}',
        "]}",
    ]
    assert (await told(port, "/healthz"))[1]["checks"][0]["name"] == "loop"
    assert await asked(port, "/readyz", "HEAD") == (200, "")


async def test_a_worker_that_takes_no_tasks_is_alive_but_not_ready_and_says_why():
    port = WorkerPort(Told(STOPPING), Measured(), None)

    code, document = await told(port, "/readyz")

    assert (code, (await asked(port, "/healthz"))[0]) == (503, 200)
    assert (document["status"], document["reason"]) == ("not ready", "it shuts down")
    assert [each["ok"] for each in document["checks"]] == [False, True]


async def test_a_worker_whose_loop_is_blocked_is_not_alive():
    blocked = check("loop", "its event loop does not turn", ok=False)

    code, document = await told(WorkerPort(Told(alive=[(blocked,)]), Measured(), None), "/healthz")

    assert (code, document["status"]) == (503, "not alive")
    assert document["reason"] == "its event loop does not turn"


async def test_of_several_processes_each_check_names_its_own():
    port = WorkerPort(Told((check("redis"),), STOPPING), Measured(), None)

    code, document = await told(port, "/readyz")

    assert (code, document["reason"]) == (503, "process 2: it shuts down")
    assert [(each["process"], each["name"]) for each in document["checks"]] == [
        (1, "redis"),
        (2, "fetching"),
        (2, "redis"),
    ]


async def test_no_detail_can_break_out_of_its_line():
    odd = check("redis", '<b>"\n\udc80', ok=False)

    _, text = await asked(WorkerPort(Told((odd,)), Measured(), None), "/readyz")

    assert "<" not in text
    assert len(text.splitlines()) == 3
    assert json.loads(text)["checks"][0]["detail"] == '<b>"\n\ufffd'


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/queues", 404),
        ("GET", "/healthz/", 404),
        ("POST", "/healthz", 405),
        ("DELETE", "/readyz", 405),
    ],
)
async def test_without_the_web_ui_there_is_nothing_but_probes(method, path, status):
    assert (await asked(WorkerPort(Told(), Measured(), None), path, method))[0] == status


async def test_probes_are_those_of_the_worker_also_where_the_web_ui_has_its_own(redis_url):
    app = create_app(redis_url, root_path="/tasks")
    port = WorkerPort(Told(STOPPING), Measured(), app, root_path="/tasks/")

    probes = [(await asked(port, path))[0] for path in ("/readyz", "/tasks/readyz")]
    queues = [(await asked(port, path))[1] for path in ("/api/queues", "/tasks/api/queues")]
    await app.aclose()

    assert probes == [503, 503]
    assert queues == ['{"queues":[]}'] * 2


async def test_every_answer_has_the_headers_that_keep_other_pages_away():
    answer = await Web(WorkerPort(Told(), Measured(), None)).ask("GET", "/nowhere")

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["cache-control"] == "no-store"


@pytest.fixture
async def late(redis_url):
    """A web UI whose Redis the test tells, or a Refusal."""
    made, told = [], []

    def find():
        if isinstance(told[-1], Exception):
            raise told[-1]
        return told[-1]

    def make(source):
        made.append(create_app(source))
        return made[-1]

    yield told, made, WorkerPort(Told(), Measured(), LateUi(find, make))
    for each in made:
        await each.aclose()


async def test_the_web_ui_waits_until_a_worker_has_told_where_redis_is(late, redis_url):
    found, _made, port = late
    found.append(Refusal(503, "the worker has not started yet"))
    before = await asked(port, "/api/queues")
    found.append(ConnectionOptions.from_url(redis_url))

    assert before == (503, "the worker has not started yet")
    assert await asked(port, "/api/queues") == (200, '{"queues":[]}')


async def test_the_web_ui_stays_while_the_worker_starts_again(late, redis_url):
    found, made, port = late
    found.append(ConnectionOptions.from_url(redis_url))
    await asked(port, "/api/queues")
    found.append(Refusal(503, "the worker has not started yet"))
    meanwhile = await asked(port, "/api/queues")
    found.append(ConnectionOptions.from_url(redis_url))

    assert meanwhile[0] == (await asked(port, "/api/queues"))[0] == 200
    assert len(made) == 1


async def test_the_web_ui_follows_a_worker_to_another_redis(late, redis_url, redis_client):
    found, _made, port = late
    store(redis_client, "pending", "a")
    found.append(ConnectionOptions.from_url(redis_url))
    here = await asked(port, "/api/queues/mail")
    found.append(ConnectionOptions.from_url(f"{redis_url}&namespace=elsewhere"))

    assert here[0] == 200
    assert (await asked(port, "/api/queues/mail"))[0] == 404


async def test_a_fault_in_finding_redis_is_logged_and_not_shown(late, caplog):
    found, _made, port = late
    found.append(ValueError("secret"))

    status, text = await asked(port, "/api/queues")

    assert status == 500
    assert "secret" not in text
    assert "a request failed: ValueError" in caplog.text


async def test_the_connection_of_the_web_ui_is_closed_at_the_end(late, redis_url, redis_client):
    found, _made, port = late
    found.append(ConnectionOptions.from_url(f"{redis_url}&client_name=late"))

    def connections():
        return sum(each["name"] == "late" for each in redis_client.client_list())

    async with lifespan(port):
        await asked(port, "/api/queues")
        during = connections()

    assert (during, connections()) == (1, 0)


async def test_what_the_worker_has_measured_is_there_in_the_format_that_is_asked_for():
    web = Web(WorkerPort(Told(), Measured(is_of_this_process=True), None))
    plain = await web.ask("GET", "/metrics", headers={"Accept-Encoding": "gzip"})
    modern = await web.ask("GET", "/metrics", headers={"Accept": OPENMETRICS})
    samples = samples_of(plain.text)

    assert [value for (name, _), value in samples.items() if "leases" in name] == [3]
    assert of(samples, "process_resident_memory_bytes") > 0
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert plain.headers["content-encoding"] == "gzip"
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")


async def test_numbers_of_the_supervisor_are_not_taken_for_those_of_its_processes():
    answer = await Web(WorkerPort(Told(), Measured(), None)).ask("GET", "/metrics")

    assert "process_" not in answer.text


async def test_without_the_extra_the_metrics_say_how_to_install_it_and_the_rest_works(monkeypatch):
    monkeypatch.setattr(pyasynq.web.worker_port, "has_extra", lambda: False)
    port = WorkerPort(Told(), Measured(), None)

    missing = "metrics need the extra 'metrics'; pip install 'pyasynq[metrics]' brings it"
    assert await asked(port, "/metrics") == (501, missing)
    assert (await asked(port, "/readyz"))[0] == 200
