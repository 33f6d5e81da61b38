"""What the log says of tasks that fail: one line an attempt, with what a person needs to see."""

import asyncio
import logging
import re
from collections.abc import Iterator

import pytest

from pyasynq import retry
from pyasynq.clock import FakeClock
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import ConfigError
from pyasynq.wire.message import encode
from pyasynq.worker.attempt.outcome import Archived, Retried
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.floods import LINES_PER_S
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.task_log import TaskLog
from tests.support.builders import make_message
from tests.support.eventually import eventually_async

ARCHIVED = Archived(b"", "text")


@pytest.fixture
def lines(caplog) -> Iterator[list[logging.LogRecord]]:
    """The lines of the log of tasks, at the level of a worker in production."""
    caplog.set_level(logging.INFO, "pyasynq.task")
    found: list[logging.LogRecord] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record)

    keeper = Keeper()
    logging.getLogger("pyasynq.task").addHandler(keeper)
    yield found
    logging.getLogger("pyasynq.task").removeHandler(keeper)


def texts(lines: list[logging.LogRecord]) -> list[tuple[str, str]]:
    return [(line.levelname, line.getMessage()) for line in lines]


def failing(error: BaseException) -> ServeMux:
    mux = ServeMux()

    @mux.handler("resize")
    async def handle(ctx, task):
        raise error

    return mux


async def test_each_failed_attempt_is_a_line_and_the_last_one_an_error_with_its_traceback(
    work, lines
):
    async with work.serving(failing(ValueError("too wide")), retry_delay=retry.fixed(0)):
        info = await work.enqueue("resize", max_retry=1)
        await work.until(info, "archived")

    (first, last), short_id = lines, info.id[:8]
    reason = r"ValueError: too wide \[tests/worker/test_task_log\.py:\d+\]"
    assert first.levelname == "WARNING"
    assert re.fullmatch(
        rf"resize\[{short_id}\] failed, attempt 1 of 2, again in \S+ ms: {reason}",
        first.getMessage(),
    )
    assert first.exc_info is None
    assert last.levelname == "ERROR"
    assert re.fullmatch(
        rf"resize\[{short_id}\] failed, attempt 2 of 2, archived: {reason}", last.getMessage()
    )
    assert last.exc_info is not None


async def test_a_line_has_fields_for_machines(work, lines):
    async with work.serving(failing(ValueError("bad"))):
        info = await work.enqueue("resize", max_retry=0)
        await work.until(info, "archived")

    (line,) = lines
    fields = {name: line.__dict__[name] for name in ("task_id", "task_type", "queue", "attempt")}
    assert fields == {
        "task_id": info.id,
        "task_type": "resize",
        "queue": "default",
        "attempt": 1,
    }
    assert (line.outcome, line.max_retry) == ("archived", 0)
    assert line.error.startswith("ValueError: bad [")


async def test_a_traceback_has_the_frames_of_the_user_and_no_others(work, lines):
    async with work.serving(failing(ValueError("bad"))):
        info = await work.enqueue("resize", max_retry=0)
        await work.until(info, "archived")

    shown = logging.Formatter().format(lines[0])
    files = re.findall(r'File "([^"]+)"', shown)
    assert files == [__file__]


@pytest.mark.parametrize(
    ("task_type", "payload_error", "expected"),
    [
        ("unknown", None, 'handler not found for task "unknown"'),
        ("resize", SkipRetry("no use"), "SkipRetry: no use"),
        ("resize", TimeoutError("context deadline exceeded"), "its time was up"),
    ],
)
async def test_whatever_ends_a_task_for_good_is_an_error(
    work, lines, task_type, payload_error, expected
):
    async with work.serving(failing(payload_error or ValueError())):
        info = await work.enqueue(task_type, max_retry=0)
        await work.until(info, "archived")

    ((level, text),) = texts(lines)
    assert level == "ERROR"
    assert expected in text


async def test_a_handler_whose_time_is_up_is_shown_where_it_was(work, lines):
    mux = ServeMux()

    @mux.handler("crawl")
    async def crawl(ctx, task):
        await wait_for_ever()

    async def wait_for_ever():
        await asyncio.Event().wait()

    async with work.serving(mux):
        info = await work.enqueue("crawl", max_retry=0, timeout=1)
        await work.until(info, "archived")

    (line,) = lines
    place = r"\[tests/worker/test_task_log\.py:\d+ < asyncio/locks\.py:\d+\]"
    assert re.search(rf"archived: its time was up {place}$", line.getMessage())
    assert "in crawl\n" in line.exc_text
    assert "in wait_for_ever\n" in line.exc_text
    assert line.exc_text.endswith("TimeoutError: context deadline exceeded")
    assert work.message(info).error_msg == "context deadline exceeded"


async def test_a_task_whose_deadline_was_over_before_its_start_has_no_frames_of_pyasynq(
    work, lines
):
    mux = ServeMux()
    mux.handler("late")(lambda _ctx, _task: asyncio.sleep(0))
    mux.handler("late async")(wait_for_ever)
    for task_type in ("late", "late async"):
        message = make_message(id=task_type, type=task_type, deadline=1, retry=0)
        work.redis.hset(f"asynq:{{default}}:t:{task_type}", "msg", encode(message))
        work.redis.lpush("asynq:{default}:pending", task_type)

    async with work.serving(mux):
        await eventually_async(lambda: work.redis.zcard("asynq:{default}:archived") == 2)

    assert [line.exc_text for line in lines] == ["TimeoutError: context deadline exceeded"] * 2


async def wait_for_ever(_ctx, _task):
    await asyncio.Event().wait()


@pytest.mark.parametrize(("delay_s", "told"), [(0.9997, "1.0 s"), (0.999, "999 ms")])
def test_no_span_is_a_thousand_milliseconds(lines, delay_s, told):
    clock = FakeClock()
    at_ns = clock.redis_now_ns() + int(delay_s * 1e9)
    outcome = Retried(b"", at_ns, is_failure=True, deferred=0)

    TaskLog(clock).failed("id", "queue", make_message(), outcome, ValueError("x"))

    assert f"again in {told}: ValueError: x" in lines[0].getMessage()


async def test_a_task_of_a_lost_worker_is_logged_by_who_recovers_it(work, lines):
    info = await work.enqueue("resize", max_retry=3)
    work.abandon(info)

    async with work.serving(ServeMux(), retry_delay=retry.fixed(3600)):
        await work.until(info, "retry")

    ((level, text),) = texts(lines)
    assert level == "WARNING"
    assert "failed, attempt 1 of 4, again in 60 min: asynq: task lease expired" in text


@pytest.mark.parametrize("error", [RetryLater(3600, "busy"), RevokeTask("gone")])
async def test_what_a_handler_asked_for_is_not_a_failure(work, lines, error):
    async with work.serving(failing(error)):
        info = await work.enqueue("resize", max_retry=3)
        await work.until(info, "retry" if isinstance(error, RetryLater) else None)

    assert lines == []


async def test_success_is_silent(work, lines):
    mux = ServeMux()

    @mux.handler("resize")
    async def handle(ctx, task):
        pass

    async with work.serving(mux):
        info = await work.enqueue("resize")
        await work.until(info, None)

    assert lines == []


@pytest.mark.parametrize(
    ("setting", "levels"), [("all", ["WARNING", "ERROR"]), ("archived", ["ERROR"]), ("none", [])]
)
async def test_a_setting_says_which_failures_are_logged(work, lines, setting, levels):
    quick = {"retry_delay": retry.fixed(0), "log_failures": setting}
    async with work.serving(failing(ValueError("bad")), **quick):
        info = await work.enqueue("resize", max_retry=1)
        await work.until(info, "archived")

    assert [line.levelname for line in lines] == levels


def test_another_word_for_which_failures_are_logged_is_refused():
    with pytest.raises(ConfigError, match="log_failures must be one of 'all', 'archived', 'none'"):
        ServerConfig(log_failures="some")


async def test_at_level_debug_each_start_and_end_is_a_line_and_each_failure_has_its_traceback(
    work, lines, caplog
):
    caplog.set_level(logging.DEBUG, "pyasynq.task")
    async with work.serving(failing(ValueError("bad")), retry_delay=retry.fixed(3600)):
        info = await work.enqueue("resize", max_retry=1)
        await work.until(info, "retry")

    name = re.escape(f"resize[{info.id[:8]}]")
    patterns = [rf"{name} started", rf"{name} failed, .*", rf"{name} retried after \S+ ms"]
    assert all(
        re.fullmatch(pattern, line.getMessage())
        for pattern, line in zip(patterns, lines, strict=True)
    )
    assert lines[1].exc_info is not None


async def test_a_flood_of_alike_failures_is_summed_up(lines):
    clock = FakeClock()
    log, message = TaskLog(clock), make_message(type="resize")
    outcome = Retried(b"", clock.now_ns(), is_failure=True, deferred=0)

    for number in range(LINES_PER_S + 30):
        log.failed(str(number), "mail", message, outcome, ValueError("bad"))
    log.failed("other", "mail", message, outcome, KeyError("bad"))
    at_once = len(lines)
    await eventually_async(lambda: len(lines) > at_once)

    assert at_once == LINES_PER_S + 1
    assert texts(lines)[-1] == (
        "WARNING",
        "30 more tasks of type 'resize' failed with ValueError in the last second",
    )
    assert lines[-1].count == 30


async def test_the_last_failures_of_a_flood_are_summed_up_as_errors(lines):
    log, message = TaskLog(FakeClock()), make_message(type="resize")

    for number in range(LINES_PER_S + 1):
        log.failed(str(number), "mail", message, ARCHIVED, ValueError("bad"))
    await eventually_async(lambda: len(lines) > LINES_PER_S)

    assert lines[-1].levelname == "ERROR"
