"""Does to Redis what was confirmed; what is asked before is decided in acts.py."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.errors import PyasynqError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.task import TaskState
from pyasynq.tui.acts import ACTS, Act, Question, outcome, question, refusal
from pyasynq.tui.parts.dialogs import Confirm
from pyasynq.tui.session import Session
from pyasynq.tui.view import View

T = TypeVar("T")

AT_ONCE = 50  # calls in a round trip
READ_ONLY = "Nothing is changed: this dash is read-only. Start it without --read-only to act."

Work = Callable[[], Awaitable[str]]


def begin(view: View[Any], asked: Question, work: Work, after: Callable[[], None]) -> None:
    """Ask, do it, tell what became of it, and read the view anew.

    The work belongs to the application: it goes on when its view is closed.

    Args:
        view: where the key was pressed.
        asked: what is asked before.
        work: does it, and returns what to tell.
        after: called once it is done, unless the view was closed meanwhile.
    """
    app, session = view.app, view.session
    if session.read_only:
        app.notify(READ_ONLY, severity="warning", markup=False)
        return

    async def run() -> None:
        if not await app.push_screen_wait(Confirm(asked)):
            return
        try:
            app.notify(await work(), markup=False)
        except PyasynqError as error:
            app.notify(str(error), severity="error", markup=False, timeout=15)
        finally:
            session.doing = ""
        if view.is_attached:
            after()
        if view.is_current:
            view.reload()

    app.run_worker(run(), group="acting")


def refused(view: View[Any], why: str) -> bool:
    """Tell why nothing is done, if there is a reason; return whether there is."""
    if why:
        view.app.notify(why, severity="warning", markup=False)
    return bool(why)


def act_on_tasks(
    view: View[Any],
    verb: str,
    *,
    queue: str,
    state: TaskState,
    ids: Sequence[str],
    after: Callable[[], None],
) -> None:
    """Run, archive, delete or cancel some tasks of a queue, all of them in one state."""
    act, session = ACTS[verb], view.session
    if not ids or refused(view, refusal(act, state)):
        return

    async def work() -> str:
        call = _call(session.inspector, act, queue)
        errors = await each(ids, call, act.going_on, session)
        return outcome(act.past, len(ids) - len(errors), "task", errors)

    begin(view, question(act, len(ids), state, queue), work, after)


def act_on_all(
    view: View[Any],
    verb: str,
    *,
    queue: str,
    state: TaskState,
    count: int,
    after: Callable[[], None],
    groups: Sequence[str] | None = None,
) -> None:
    """Run, archive or delete all tasks of a state, or of some groups."""
    act, session = ACTS[verb], view.session
    tasks = session.inspector.tasks
    every = {"run": tasks.run_all, "archive": tasks.archive_all, "delete": tasks.delete_all}
    why = refusal(act, state)
    if verb == "cancel" and not why:
        why = "select the tasks to cancel on the page, with x or *"
    if refused(view, why):
        return

    def told(done: int, total: int) -> None:
        session.doing = f"{act.going_on} {done:,} of {total:,} tasks…"

    async def work() -> str:
        done = 0
        for group in groups or (None,):
            done += await every[verb](queue, state, group=group, on_progress=told)
        return outcome(act.past, done, "task", ())

    begin(view, question(act, count, state, queue, every=True, groups=groups or ()), work, after)


async def each(
    items: Sequence[T], call: Callable[[T], Awaitable[object]], going_on: str, session: Session
) -> Sequence[str]:
    """Call something for each item, some in a round trip; return the errors.

    Raises:
        RedisUnavailableError: Redis is not available; some calls may have been done.
    """
    errors: list[str] = []
    for first in range(0, len(items), AT_ONCE):
        some = items[first : first + AT_ONCE]
        answers = await asyncio.gather(*map(call, some), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, PyasynqError) and not concerns_redis_as_a_whole(answer):
                errors.append(str(answer))
            elif isinstance(answer, BaseException):
                raise answer
        if first + AT_ONCE < len(items):
            session.doing = f"{going_on} {first + len(some):,} of {len(items):,}…"
    return errors


def _call(inspector: AsyncInspector, act: Act, queue: str) -> Callable[[str], Awaitable[object]]:
    tasks = inspector.tasks
    match act.verb:
        case "run":
            return lambda task_id: tasks.run(queue, task_id)
        case "archive":
            return lambda task_id: tasks.archive(queue, task_id)
        case "delete":
            return lambda task_id: tasks.delete(queue, task_id)
        case _:
            return lambda task_id: tasks.cancel(task_id, queue=queue)
