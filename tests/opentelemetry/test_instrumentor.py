"""Tracing switched on from outside, as ``opentelemetry-instrument`` does it."""

import subprocess
import sys
from importlib.metadata import entry_points

import pytest

from pyasynq import App, AsyncClient, Client, Task
from pyasynq.opentelemetry import PyasynqInstrumentor
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import NOWHERE
from tests.support.eventually import eventually_async
from tests.support.traces import Traces, is_child

WITHOUT = """
import sys
sys.modules["opentelemetry"] = None
from pyasynq import App
App({url!r}).server()
try:
    import pyasynq.opentelemetry
except ImportError as error:
    print(error)
"""


@pytest.fixture
def instrumented(traces):
    (found,) = entry_points(group="opentelemetry_instrumentor", name="pyasynq")
    instrumentor = found.load()()
    instrumentor.instrument(tracer_provider=traces.provider, skip_dep_check=True)
    yield
    instrumentor.uninstrument()


async def test_everything_that_is_made_after_it_is_traced(instrumented, traces, work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task): ...

    async with AsyncClient(work.url) as client, work.serving(mux):
        await client.enqueue(Task("email", b"{}"))
        await eventually_async(lambda: traces.named("process"))

    assert is_child(traces.only("process"), traces.only("enqueue"))


async def test_what_has_a_tracing_of_its_own_keeps_it(instrumented, traces, work):
    own = Traces()
    async with AsyncClient(work.url, tracing=own.tracing) as client:
        await client.enqueue(Task("email", b"{}"))

    assert (len(own.spans), len(traces.spans)) == (1, 0)


def test_it_can_be_switched_off_for_what_is_made_later(traces):
    instrumentor = PyasynqInstrumentor()
    instrumentor.instrument(tracer_provider=traces.provider)
    before = [Client(NOWHERE)._tracing, Scheduler(NOWHERE)._tracing]
    instrumentor.uninstrument()

    assert None not in before
    assert [Client(NOWHERE)._tracing, App(NOWHERE).scheduler()._tracing] == [None, None]


def test_without_opentelemetry_everything_works_and_the_module_says_what_is_missing(redis_url):
    code = WITHOUT.format(url=redis_url)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == (
        "pyasynq.opentelemetry needs opentelemetry-api; run: pip install 'pyasynq[otel]'\n"
    )
