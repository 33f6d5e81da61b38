"""Short blocks of guides that have no module of their own here."""

import re

from prometheus_client import REGISTRY
from starlette.requests import Request
from starlette.responses import JSONResponse

from pyasynq import App, Inspector, TaskHistory
from pyasynq.metrics import QueueCollector, WorkerCollector
from pyasynq.opentelemetry import OpenTelemetry

shop = App("redis://nowhere.invalid")
worker = shop.worker()


@shop.task
def pay(order: int) -> None: ...


async def ready(request: Request) -> JSONResponse:
    health = worker.health()  # of app.worker(), or of a Server
    return JSONResponse(
        {"ready": health.is_ready, "reason": health.why_not_ready},
        status_code=200 if health.is_ready else 503,
    )


async def test_a_probe_of_your_own_says_why_it_is_not_ready():
    answer = await ready(Request({"type": "http"}))

    assert answer.status_code == 503
    assert b'"ready":false' in answer.body


def test_a_history_is_kept_and_hides_what_it_is_told_to():
    app = App(task_history=TaskHistory())
    history = TaskHistory(redact=lambda text: re.sub(r"\b\d{16}\b", "[card]", text))

    assert app.config.task_history is not None
    assert history.redact("card 4000123412341234") == "card [card]"


def test_an_app_traces():
    app = App("redis://localhost", tracing=OpenTelemetry())

    assert app.config.tracing is not None


def test_why_a_task_does_not_run_is_told_to_programs(capsys):
    with shop.testing() as harness:
        url, task_id = harness.url, pay.enqueue(7).id
        with Inspector(url) as inspector:
            for finding in inspector.tasks.explain("default", task_id):
                if finding.severity == "error":
                    print(finding.code, finding.sentence, finding.advice)

    assert capsys.readouterr().out.startswith("no_server ")


def test_collectors_are_registered(redis_url):
    url, server, scheduler = redis_url, worker.server, shop.scheduler()
    queues = QueueCollector(Inspector(url))
    REGISTRY.register(queues)
    workers = WorkerCollector(server, scheduler)
    REGISTRY.register(workers)

    names = {family.name for family in REGISTRY.collect()}
    REGISTRY.unregister(queues)
    REGISTRY.unregister(workers)

    assert {each for each in names if "asynq" in each}
