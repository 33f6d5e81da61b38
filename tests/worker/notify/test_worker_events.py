"""Listeners hear that a worker has started, and why it has stopped."""

import asyncio
import os
import socket
from contextlib import asynccontextmanager

import pytest

from pyasynq import __version__
from pyasynq.errors import ConfigError
from pyasynq.lifecycle.component import ComponentCrashedError
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.maintenance.janitor import Janitor
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async
from tests.support.listening import keeper, make_mux, succeed

BOTH = ["worker_started", "worker_stopped"]


async def test_a_worker_tells_what_it_is_and_what_became_of_its_tasks(work):
    events = []

    async def handle(ctx, task):
        if task.payload == b"bad":
            raise ValueError("bad")

    done = [await work.enqueue("email") for _ in range(2)]
    archived = await work.enqueue("email", b"bad", max_retry=0)
    queues = {"default": 2, "low": 1}
    mux = make_mux(handle, keeper(events), names=BOTH)
    async with work.serving(mux, queues=queues, concurrency=3, base_state="s") as server:
        for info in done:
            await work.until(info, None)
        await work.until(archived, "archived")

    started, stopped = events
    assert [each.name for each in events] == BOTH
    for each in events:
        assert (each.server_id, each.state, each.version) == (server.id, "s", __version__)
        assert (each.host, each.pid) == (socket.gethostname(), os.getpid())
        assert (each.queues, each.concurrency) == (queues, 3)
        assert each.started_at == started.at
    assert (started.reason, started.error, started.counts) == ("", None, {})
    assert (stopped.reason, stopped.error, stopped.unwritten) == ("shutdown", None, 0)
    assert stopped.counts == {"done": 2, "archived": 1}
    assert stopped.at > started.at


async def test_it_has_stopped_after_the_last_event_of_a_task(work):
    events, running = [], asyncio.Event()

    async def handle(ctx, task):
        running.set()
        await asyncio.Event().wait()

    await work.enqueue("email")
    mux = make_mux(handle)
    mux.on("requeued", "worker_stopped")(keeper(events))
    async with work.serving(mux, shutdown_timeout=0.05):
        await running.wait()

    assert [each.name for each in events] == ["requeued", "worker_stopped"]
    assert events[1].counts == {"requeued": 1}


async def test_a_plain_listener_has_heard_of_the_stop_before_the_server_returns(work):
    heard = []
    mux = make_mux(succeed)
    mux.on("worker_stopped")(lambda event: heard.append(event.reason))

    async with work.serving(mux):
        pass

    assert heard == ["shutdown"]


async def test_a_crash_is_told_with_its_cause(work, monkeypatch):
    events, error = [], RuntimeError("broken")

    async def crash(self, life):
        life.started()
        await eventually_async(lambda: events)
        raise error

    monkeypatch.setattr(Janitor, "run", crash)
    with pytest.raises(ComponentCrashedError):
        await work.server().serve(make_mux(succeed, keeper(events), names=BOTH))

    assert [each.name for each in events] == BOTH
    assert events[1].reason == "crashed"
    assert isinstance(events[1].error, ComponentCrashedError)
    assert events[1].error.__cause__ is error


async def test_a_worker_that_does_not_come_to_its_start_tells_nothing(work, monkeypatch):
    events = []

    async def fail(self, life):
        raise RuntimeError("broken")

    monkeypatch.setattr(Janitor, "run", fail)
    with pytest.raises(RuntimeError):
        await work.server().serve(make_mux(succeed, keeper(events), names=BOTH))

    assert events == []


async def test_events_of_workers_are_never_dropped_for_those_of_tasks(work, monkeypatch):
    monkeypatch.setattr("pyasynq.events.inbox.MOST_EVENTS", 1)
    names, entered, go_on = [], asyncio.Event(), asyncio.Event()

    async def listen(event):
        names.append(event.name)
        if event.name == "succeeded":
            entered.set()
            await go_on.wait()

    mux = make_mux(succeed, listen, names=["succeeded", *BOTH])
    async with work.serving(mux, concurrency=1) as server:
        await work.enqueue("email")
        await entered.wait()
        for _ in range(2):
            await work.enqueue("email")
        await eventually_async(
            lambda: "events_dropped" in {each.name for each in server.counters.all()}
        )
        asyncio.get_running_loop().call_later(0.05, go_on.set)

    assert names == ["worker_started", "succeeded", "succeeded", "worker_stopped"]


async def test_a_worker_without_listeners_of_its_events_has_no_notifier(work):
    mux = ServeMux()

    async with work.serving(mux) as server:
        assert server._parts.notifier is None


def test_a_mux_refuses_events_that_do_not_happen_there():
    with pytest.raises(ConfigError, match="does not happen here") as caught:
        ServeMux().on("periodic_enqueued")

    assert "listen for it with `scheduler.on('periodic_enqueued')`" in str(caught.value)


async def test_the_lifespan_is_still_open_when_the_worker_has_stopped(work):
    heard = []

    @asynccontextmanager
    async def lifespan():
        yield heard
        heard.append("closed")

    async def tell(event):
        event.state.append(event.name)

    server = Server(work.url, lifespan=lifespan)
    async with server.running(make_mux(succeed, tell, names=BOTH)):
        pass

    assert heard == [*BOTH, "closed"]
