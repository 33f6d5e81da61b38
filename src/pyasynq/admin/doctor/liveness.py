"""Findings about servers and schedulers that are gone without signing off."""

from collections.abc import Iterator

from pyasynq.admin.doctor.facts import DataFacts
from pyasynq.clock import NANOSECONDS
from pyasynq.inspector.explain.words import counted, length, moment
from pyasynq.inspector.finding import Finding
from pyasynq.shown import shown

MOST_SHOWN = 20


def liveness(facts: DataFacts) -> Iterator[Finding]:
    """Tell who is gone, and what that means."""
    servers = _of(facts, "server")
    if servers:
        _key, latest_s = servers[0]
        yield Finding(
            code="server_gone",
            severity="warning",
            sentence=(
                f"{counted(len(servers), 'server')} stopped without signing off, the last one "
                f"{_ago(facts, latest_s)} ago: killed, out of memory, or cut off from Redis."
            ),
            evidence={"servers": _named(servers), "latest": moment(latest_s)},
            advice="look into their logs; `pyasynq doctor --fix --yes` takes them off the list, "
            "and so does any server that lives",
        )
    schedulers = _of(facts, "scheduler")
    is_alone = not facts.schedulers
    if schedulers:
        _key, latest_s = schedulers[0]
        yield Finding(
            code="scheduler_gone",
            severity="error" if is_alone else "info",
            sentence=(
                f"{counted(len(schedulers), 'scheduler')} stopped without signing off, the last "
                f"one {_ago(facts, latest_s)} ago"
                + (
                    ", and none is alive: periodic tasks are not enqueued."
                    if is_alone
                    else "; others are alive."
                )
            ),
            evidence={
                "schedulers": _named(schedulers),
                "alive": len(facts.schedulers),
                "latest": moment(latest_s),
            },
            advice="start the scheduler; `pyasynq doctor --fix --yes` takes those that are gone "
            "off the list",
        )
    elif is_alone and facts.histories:
        yield Finding(
            code="scheduler_absent",
            severity="warning",
            sentence=(
                f"Schedulers have enqueued {counted(facts.histories, 'periodic task')}, but none "
                "is alive."
            ),
            evidence={"histories": facts.histories},
            advice="start the scheduler, if there should be periodic tasks",
        )


def _of(facts: DataFacts, what: str) -> list[tuple[str, float]]:
    """Return who is gone, the latest first."""
    found = [(key, until_s) for kind, key, until_s in facts.gone if kind == what]
    return sorted(found, key=lambda each: -each[1])


def _ago(facts: DataFacts, until_s: float) -> str:
    return length(int(until_s) * NANOSECONDS, facts.now_ns)


def _named(found: list[tuple[str, float]]) -> list[str]:
    names = (key.partition("{")[2].removesuffix("}") for key, _until_s in found[:MOST_SHOWN])
    return [shown(each) for each in names]
