"""The service itself refuses whoever may not: no route and no page can forget it."""

import inspect

import pytest

from pyasynq.clock import SystemClock
from pyasynq.inspector import Change
from pyasynq.inspector.infos import queue_info_without_counts
from pyasynq.task import Task, TaskState
from pyasynq.web.access.roles import Role
from pyasynq.web.access.visitor import Visitor
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.job_request import JobRequest
from pyasynq.web.service.service import Service

PARTS = (
    *("queues", "tasks", "records", "jobs", "exports", "schedulers", "installation"),
    *("troubles", "live", "metrics", "history"),
)
ACTS = {
    *("queues.pause", "queues.resume", "queues.delete"),
    *("tasks.change", "tasks.reschedule", "tasks.edit", "tasks.cancel", "tasks.change_many"),
    "records.edit",
    *("tasks.cancel_many", "tasks.cancel_all", "tasks.change_all"),
    *("jobs.preview", "jobs.start", "jobs.cancel", "tasks.enqueue"),
    *("schedulers.run", "schedulers.pause", "schedulers.resume"),
}
ARGUMENTS = {
    "queue": "mail",
    "task_id": "a",
    "verb": "delete",
    "ids": ["a"],
    "state": TaskState.RETRY,
    "then": "retry",
    "query": "",
    "limit": 1,
    "scan": 1,
    "most": 1,
    "request": JobRequest(change=Change(verb="delete"), query="state:archived"),
    "job_id": "nobody",
    "sample": 1,
    "confirm": "",
    "task": Task("a"),
    "payload": b"a",
    "reason": "",
    "part": "",
    "entry_id": "e",
    "force": False,
    "seen": "",
    "groups": ["daily"],
    "infos": [queue_info_without_counts("mail", "", 0)],
    "task_type": "email",
}
FREE = {"installation.ping"}  # what everybody may ask, for probes


class Untouchable:
    """A part of an inspector, or a board of jobs, that nobody may ask."""

    def __getattr__(self, name):
        if name.startswith("_"):  # what inspect looks for, from Python 3.12 on
            raise AttributeError(name)
        raise AssertionError(f"somebody asked for {name}")


async def nobody():
    raise AssertionError("somebody asked for a client")


def service(role, *, read_only=False):
    guard = Guard(Visitor(name="ann", address="", role=role), is_read_only=read_only)
    return Service(
        Inspector(),
        guard,
        board=Untouchable(),
        client=nobody,
        examinations=Untouchable(),
        live=Untouchable(),
    )


class Inspector:
    """An inspector of which only the parts can be taken, but nothing be asked."""

    clock = SystemClock()
    address, kind, is_cluster = "", "standalone", False
    queues = tasks = types = groups = servers = schedulers = redis = Untouchable()


def calls():
    made = service(Role.NONE)
    for part in PARTS:
        for name, _method in inspect.getmembers(getattr(made, part), inspect.iscoroutinefunction):
            if not name.startswith("_") and f"{part}.{name}" not in FREE:
                yield f"{part}.{name}"


async def refusal(name, made):
    part, _, method = name.partition(".")
    call = getattr(getattr(made, part), method)
    given = {
        each: ARGUMENTS.get(each)
        for each, parameter in inspect.signature(call).parameters.items()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }
    try:
        await call(**given)
    except Refusal as error:
        return error.status
    except AssertionError:
        return "asked"
    return "done"


def test_every_call_is_known():
    assert set(calls()) > ACTS
    assert len(set(calls())) == 54


@pytest.mark.parametrize("name", sorted(set(calls())))
async def test_a_call_is_refused_before_redis_is_asked(name):
    is_act = name in ACTS

    assert await refusal(name, service(Role.NONE)) == 403
    assert await refusal(name, service(Role.READ)) == (403 if is_act else "asked")
    assert await refusal(name, service(Role.ADMIN, read_only=True)) == (405 if is_act else "asked")
    assert await refusal(name, service(Role.ADMIN)) == "asked"
