"""Pauses and deletes queues, once that was confirmed."""

from collections.abc import Callable, Sequence
from typing import Any

from pyasynq.inspector import QueueInfo
from pyasynq.tui.acting import begin, each, refused
from pyasynq.tui.acts import delete_question, outcome, pause_question
from pyasynq.tui.view import View


def act_on_pause(view: View[Any], queues: Sequence[QueueInfo]) -> None:
    """Pause queues; if all are paused, end their pause."""
    names = [queue.queue for queue in queues if not queue.is_paused]
    is_pause = bool(names)
    names = names or [queue.queue for queue in queues]
    if not names:
        return
    session = view.session
    change = session.inspector.queues.pause if is_pause else session.inspector.queues.unpause

    async def work() -> str:
        errors = await each(names, change, "Pausing", session)
        past = "Paused" if is_pause else "Ended the pause of"
        return outcome(past, len(names) - len(errors), "queue", errors)

    begin(view, pause_question(names, is_pause=is_pause), work, _nothing)


def act_on_queues(
    view: View[Any], queues: Sequence[QueueInfo], after: Callable[[], None] | None = None
) -> None:
    """Delete queues with their tasks."""
    running = sum(queue.active for queue in queues)
    if not queues or refused(view, "tasks of it run; cancel them first" if running else ""):
        return
    names, session = [queue.queue for queue in queues], view.session

    async def work() -> str:
        errors = await each(
            names,
            lambda name: session.inspector.queues.delete(name, force=True),
            "Deleting",
            session,
        )
        return outcome("Deleted", len(names) - len(errors), "queue", errors)

    asked = delete_question(names, sum(queue.size for queue in queues))
    begin(view, asked, work, after or _nothing)


def _nothing() -> None:
    """Do nothing."""
