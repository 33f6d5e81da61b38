"""From facts to findings: which rules are for which task."""

from collections.abc import Callable, Iterator, Mapping

from pyasynq.inspector.explain.absent import unknown_id, unknown_queue
from pyasynq.inspector.explain.active import active
from pyasynq.inspector.explain.aggregating import aggregating
from pyasynq.inspector.explain.damaged import damage, without_task
from pyasynq.inspector.explain.ended import archived, completed
from pyasynq.inspector.explain.facts import Facts
from pyasynq.inspector.explain.locks import id_taken, lock
from pyasynq.inspector.explain.pending import pending
from pyasynq.inspector.explain.waiting import waiting
from pyasynq.inspector.finding import Finding, most_decisive_first

RULES: Mapping[str, Callable[[Facts], Iterator[Finding]]] = {
    "active": active,
    "pending": pending,
    "aggregating": aggregating,
    "scheduled": waiting,
    "retry": waiting,
    "archived": archived,
    "completed": completed,
}


def explained(facts: Facts) -> tuple[Finding, ...]:
    """Return why the task does not run, most decisive first; what is as it should be comes last."""
    return most_decisive_first(_of_task(facts))


def explained_enqueue(holder: Facts, other: Facts | None = None) -> tuple[Finding, ...]:
    """Return why an enqueue is refused, and why the holder of its lock is not done.

    Args:
        holder: about the task that holds the lock.
        other: about the task that may have the ID already.
    """
    found = [*id_taken(other)] if other is not None else []
    found += lock(holder)
    is_held = holder.task.kind == "hash" and holder.task.lock_holder
    return (
        (*most_decisive_first(found), *explained(holder)) if is_held else most_decisive_first(found)
    )


def _of_task(facts: Facts) -> Iterator[Finding]:
    is_known = facts.queue in facts.queues
    task = facts.task
    if task.kind == "hash":
        wrong = tuple(damage(facts))
        yield from wrong
        if not wrong:
            yield from RULES[task.state](facts)
    elif task.listed or task.kind != "none":
        yield from without_task(facts)
    elif is_known:
        yield from unknown_id(facts)
    else:
        yield from unknown_queue(facts)
