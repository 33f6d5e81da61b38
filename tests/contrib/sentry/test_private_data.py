"""Events about tasks besides the report of their failure: no payload, and no header."""

import logging

import pytest
import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration

from pyasynq import App, PayloadError
from pyasynq.contrib.sentry.private_data import frames_of


def fail_too(ctx, task, error):
    raise RuntimeError("the error handler is broken")


app = App("redis://nowhere.invalid", error_handler=fail_too)


@app.on("succeeded")
async def on_success(event):
    raise RuntimeError("the listener is broken")


@app.middleware
async def log_failures(ctx, call_next):
    try:
        return await call_next(ctx)
    except ValueError:
        logging.getLogger("shop").exception("a failure")
        raise


@app.task(max_retry=0)
def ship(address: str) -> None:
    sentry_sdk.capture_message("begins")
    raise ValueError("no such street")


@app.task
def pack(address: str) -> None:
    try:
        raise KeyError("box")
    except KeyError:
        sentry_sdk.capture_exception()


def variables(event):
    """Return the local variables of an event, by the function of their frame."""
    return {frame["function"]: frame["vars"] for frame in frames_of(event) if frame.get("vars")}


GIVEN, CARRIED = "tiger-7", "lion-8"  # far from the lines that raise, which events quote


@pytest.fixture
def run(sentry):
    """Return a function that runs tasks in which much goes wrong, and returns the events."""

    def run(**options):
        kept = sentry(LoggingIntegration(event_level=logging.ERROR), **options)
        with app.testing(scheduler=False) as harness:
            for task in (ship, pack):
                task.options(headers={"authorization": CARRIED}).enqueue(GIVEN)
            harness.run_pending()
        return kept.events

    return run


def test_no_event_that_belongs_to_tasks_has_local_variables(run):
    events = run()

    assert {each.get("logger", "") for each in events} == {
        "",
        "shop",
        "pyasynq.executor",
        "pyasynq.notifier",
    }
    assert [variables(each) for each in events] == [{}] * len(events)
    assert GIVEN not in str(events)
    assert CARRIED not in str(events)


@pytest.mark.filterwarnings("ignore:The send_default_pii option:DeprecationWarning")
def test_with_a_yes_frames_have_variables_except_our_own_which_hold_whole_tasks(run):
    events = run(send_default_pii=True)

    told = {name: given for each in events for name, given in variables(each).items()}
    assert told["pack"] == {"address": repr(GIVEN)}
    assert {"fail_too", "log_failures"} <= told.keys()
    assert told.keys().isdisjoint({"_run", "handle", "call", "watched"})


def test_events_that_belong_to_no_task_keep_their_variables_but_not_ours(sentry):
    kept = sentry()

    street = "High Street"
    try:
        ship.enqueue(object())
    except PayloadError:
        sentry_sdk.capture_exception()

    (event,) = kept.events
    (mine,) = variables(event).values()
    assert mine["street"] == repr(street)
