"""Lines that are logged below a handler of a task have the fields of that task."""

import asyncio
import contextvars
import json
import logging
import logging.config
import logging.handlers
import queue
import sys
import threading
from types import SimpleNamespace

import msgspec
import pytest
import structlog

import pyasynq
from pyasynq import retry
from pyasynq.broker.operations.dequeue import Leased
from pyasynq.clock import FakeClock
from pyasynq.task import Task
from pyasynq.testing import task_context
from pyasynq.worker.handlers.context import Scope, TaskContext, enter, enter_group
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_message, make_running
from tests.support.process_handlers import mux as in_processes

FIELDS = ("task_id", "task_type", "queue", "attempt", "max_retry")
SHOP = logging.getLogger("shop")
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HERE = {"task_id": "t1", "task_type": "resize", "queue": "images", "attempt": 2, "max_retry": 3}


class Keeper(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record)

    def fields(self) -> list[dict[str, object]]:
        """Return the fields of the lines that are about a task or a group, by these names."""
        names = (*FIELDS, "group", "trace_id", "span_id")
        return [{x: vars(each)[x] for x in names if x in vars(each)} for each in self.lines]


@pytest.fixture
def kept():
    keeper = Keeper()
    pyasynq.add_task_fields(keeper)
    SHOP.addHandler(keeper)
    SHOP.setLevel(logging.INFO)
    yield keeper
    SHOP.removeHandler(keeper)
    SHOP.setLevel(logging.NOTSET)


def running(**headers: str):
    task = Task("resize", b"{}", headers=headers)
    return task_context(task, task_id="t1", queue="images", attempt=2, max_retry=3)


async def test_lines_of_handlers_and_middlewares_on_the_loop_and_in_threads_have_them(work, kept):
    mux = ServeMux()

    @mux.use
    async def around(ctx, call_next):
        SHOP.info("around")
        return await call_next(ctx)

    @mux.handler("coroutine")
    async def coroutine(ctx, task):
        await asyncio.gather(asyncio.to_thread(SHOP.info, "in a thread of its own"))

    @mux.handler("plain")
    def plain(ctx, task):
        SHOP.info("in a thread of the server")

    async with work.serving(mux):
        first = await work.enqueue("coroutine", max_retry=4)
        await work.until(first, None)
        second = await work.enqueue("plain", max_retry=0, queue="default")
        await work.until(second, None)

    def of(info, max_retry):
        values = (info.id, info.type, "default", 1, max_retry)
        return dict(zip(FIELDS, values, strict=True))

    assert kept.fields() == [of(first, 4)] * 2 + [of(second, 0)] * 2


@pytest.mark.parametrize("form", ["coroutine", "plain"])
async def test_the_line_of_a_failure_has_the_trace_of_its_task(work, kept, form):
    mux = ServeMux()

    @mux.handler("coroutine")
    async def coroutine(ctx, task):
        raise ValueError

    @mux.handler("plain")
    def plain(ctx, task):
        raise ValueError

    log = logging.getLogger("pyasynq.task")
    log.addHandler(kept)
    try:
        async with work.serving(mux, retry_delay=retry.fixed(3600)):
            headers = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
            await work.until(await work.enqueue(form, headers=headers), "retry")
    finally:
        log.removeHandler(kept)

    assert [each.trace_id for each in kept.lines if each.levelname == "WARNING"] == [TRACE]


async def test_lines_of_an_aggregator_have_the_group_and_its_queue(work, kept):
    mux = ServeMux()

    @mux.aggregator("on-loop")
    async def aggregate(group, tasks):
        SHOP.info("aggregating")

    @mux.aggregator("in-thread")
    def aggregate_in_a_thread(group, tasks):
        SHOP.info("aggregating")

    times = {"group_grace_period": 1, "group_max_size": 1}
    async with work.serving(mux, **times):
        for group in ("on-loop", "in-thread"):
            info = await work.enqueue("resize", group=group)
            await work.until(info, None)

    assert kept.fields() == [
        {"queue": "default", "group": "on-loop"},
        {"queue": "default", "group": "in-thread"},
    ]


def test_lines_outside_of_handlers_have_no_fields(kept):
    SHOP.info("starting")

    assert kept.fields() == [{}]


def test_what_a_line_says_itself_is_never_overwritten(kept):
    with running(traceparent=f"00-{TRACE}-{SPAN}-01"):
        SHOP.info("printed", extra={"queue": "of the printer", "trace_id": "mine"})

    assert kept.fields() == [{**HERE, "queue": "of the printer", "trace_id": "mine"}]


@pytest.mark.parametrize("own", [{"task_id": "t2"}, {"task_type": "mail"}])
def test_a_line_about_another_task_gets_nothing_of_the_running_one_but_its_trace(kept, own):
    with running(traceparent=f"00-{TRACE}-{SPAN}-01"):
        SHOP.info("enqueued", extra=own)

    assert kept.fields() == [{**own, "trace_id": TRACE}]


@pytest.mark.parametrize("name", ["traceparent", "Traceparent"])
def test_the_trace_that_a_task_came_with_is_a_field(kept, name):
    with running(**{name: f"00-{TRACE}-{SPAN}-01"}):
        SHOP.info("resizing")

    assert kept.fields() == [{**HERE, "trace_id": TRACE}]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f"00-{TRACE}-{SPAN}",
        "é" * 55,
    ],
)
def test_a_header_that_is_no_trace_is_no_field(kept, header):
    with running(traceparent=header):
        SHOP.info("resizing")

    assert kept.fields() == [HERE]


def test_the_span_of_whoever_logs_comes_before_the_trace_of_the_header(kept, monkeypatch):
    span = SimpleNamespace(trace_id=int(TRACE, 16), span_id=int(SPAN, 16), is_valid=True)
    current = SimpleNamespace(get_span_context=lambda: span)
    traces = SimpleNamespace(get_current_span=lambda: current)
    monkeypatch.setitem(sys.modules, "opentelemetry.trace", traces)

    with running(traceparent=f"00-{'1' * 32}-{SPAN}-01"):
        SHOP.info("resizing")

    assert kept.fields() == [{**HERE, "trace_id": TRACE, "span_id": SPAN}]


def test_a_second_call_changes_nothing():
    handler = logging.NullHandler()

    pyasynq.add_task_fields(handler)
    pyasynq.add_task_fields(handler, placeholder="-")

    assert len(handler.filters) == 1


def test_without_a_handler_all_of_the_root_logger_get_them(monkeypatch):
    handlers = [logging.NullHandler(), logging.NullHandler()]
    monkeypatch.setattr(logging.getLogger(), "handlers", handlers)

    pyasynq.add_task_fields()

    assert [[type(x) for x in each.filters] for each in handlers] == [[pyasynq.TaskFields]] * 2


def test_a_queue_carries_the_fields_to_the_thread_that_writes():
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    handler = logging.handlers.QueueHandler(lines)
    pyasynq.add_task_fields(handler)

    with running():
        handler.handle(SHOP.makeRecord("shop", logging.INFO, "", 0, "resizing", (), None))
    found = []
    reader = threading.Thread(target=lambda: found.append(vars(lines.get())))
    reader.start()
    reader.join()

    assert {name: found[0][name] for name in FIELDS} == HERE


def test_a_format_may_name_the_fields_if_there_is_a_placeholder(capsys):
    set_up = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"task": {"()": "pyasynq.TaskFields", "placeholder": "-"}},
        "formatters": {"line": {"format": "%(message)s %(task_id)s %(attempt)s %(trace_id)s"}},
        "handlers": {
            "out": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "filters": ["task"],
                "formatter": "line",
            }
        },
        "loggers": {"shop": {"handlers": ["out"], "level": "INFO", "propagate": False}},
    }
    logging.config.dictConfig(set_up)
    try:
        SHOP.info("starting")
        with running():
            SHOP.info("resizing")
    finally:
        SHOP.handlers.clear()
        SHOP.propagate = True
        SHOP.setLevel(logging.NOTSET)

    assert capsys.readouterr().out == "starting - - -\nresizing t1 2 -\n"


def test_hostile_names_of_tasks_are_fields_that_can_be_written(kept):
    task_type, task_id = "a\udc80\n" + "x" * 2000, "i\udcff\n" + "y" * 2000
    message = msgspec.structs.replace(make_message(), type=task_type)
    clock, loop = FakeClock(), asyncio.new_event_loop()
    scope = Scope(server_id="s", clock=clock, loop=loop, write_result=None)
    loop.close()
    leased = Leased(task_id=task_id, data=b"")

    def run():
        enter(TaskContext(make_running(message=message, leased=leased), Task("a"), scope))
        SHOP.info("here")

    contextvars.copy_context().run(run)

    (fields,) = kept.fields()
    assert json.dumps(fields, ensure_ascii=False).encode()
    assert max(len(fields["task_id"]), len(fields["task_type"])) <= 500


def test_an_event_of_structlog_has_them(capsys):
    with structlog.testing.capture_logs(processors=[pyasynq.add_task_fields_to_event]) as events:
        structlog.get_logger().info("starting")
        with running(traceparent=f"00-{TRACE}-{SPAN}-01"):
            structlog.get_logger().info("resizing", queue="mine")

    starting, resizing = events
    assert starting == {"event": "starting", "log_level": "info"}
    assert resizing == {
        **HERE,
        "queue": "mine",
        "trace_id": TRACE,
        "event": "resizing",
        "log_level": "info",
    }


def test_structlog_for_lines_of_logging_adds_them_as_well(capsys):
    handler = logging.StreamHandler(sys.stdout)
    before = [pyasynq.add_task_fields_to_event]
    render = structlog.processors.JSONRenderer(sort_keys=True)
    processors = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, render]
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=processors)
    handler.setFormatter(formatter)

    with running():
        handler.handle(SHOP.makeRecord("shop", logging.INFO, "", 0, "resizing", (), None))

    assert json.loads(capsys.readouterr().out) == {**HERE, "event": "resizing"}


def test_a_group_of_any_name_is_a_field_that_can_be_written(kept):
    def aggregate():
        enter_group("mail", "g\udc80" + "x" * 2000)
        SHOP.info("aggregating")

    contextvars.copy_context().run(aggregate)

    (fields,) = kept.fields()
    assert fields["queue"] == "mail"
    assert json.dumps(fields, ensure_ascii=False).encode()


@pytest.fixture
def log(tmp_path):
    """A file for a handler that runs in a process, and what it holds then."""
    return tmp_path / "log"


async def test_lines_of_a_handler_in_a_process_have_them(work, log, monkeypatch):
    root = logging.getLogger()
    handler = logging.StreamHandler()
    form = "{message} {task_id} {attempt} {shop}"
    defaults = {"shop": "corner", **dict.fromkeys(FIELDS, "-")}
    handler.setFormatter(logging.Formatter(form, style="{", defaults=defaults))
    pyasynq.add_task_fields(handler)
    monkeypatch.setattr(root, "handlers", [handler, *root.handlers])

    async with work.serving(in_processes):
        info = await work.enqueue("log", json.dumps(str(log)).encode(), retention=60)
        await work.until(info, "completed")

    assert log.read_text() == f"from a process {info.id} 1 corner\n"
