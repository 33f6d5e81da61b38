"""From facts to findings: what is wrong, what was looked at, and what can be healed."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyasynq.admin.doctor.abilities import abilities
from pyasynq.admin.doctor.damage import damage
from pyasynq.admin.doctor.facts import DataFacts, InstanceFacts
from pyasynq.admin.doctor.instance import instance
from pyasynq.admin.doctor.liveness import liveness
from pyasynq.admin.doctor.memory import memory
from pyasynq.admin.doctor.queues import queues
from pyasynq.admin.doctor.repairs import Repair, repairs
from pyasynq.admin.doctor.roles import Role
from pyasynq.inspector.explain.words import counted
from pyasynq.inspector.finding import Finding, most_decisive_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Examination:
    """What was found.

    Attributes:
        findings: the most decisive first; the last one tells what was looked at.
        repairs: what would heal some of them.
    """

    findings: tuple[Finding, ...]
    repairs: tuple[Repair, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether there is no finding of severity "error"."""
        return all(each.severity != "error" for each in self.findings)

    def repair_of(self, finding: Finding) -> Repair | None:
        """Return what would heal *finding*, one of `findings`; None if nothing does."""
        about = finding.code, finding.evidence.get("queue")
        return next((each for each in self.repairs if (each.code, each.queue) == about), None)


def examined(
    instance_facts: InstanceFacts,
    data: DataFacts | None,
    *,
    roles: Sequence[Role],
    is_role_given: bool,
    namespace: str,
) -> Examination:
    """Return what follows from what was read.

    Args:
        instance_facts: about Redis itself.
        data: about tasks; None if they could not be looked at.
        roles: for which the rights are judged.
        is_role_given: whether somebody named them.
        namespace: of all keys.
    """
    found = [
        *instance(instance_facts),
        *memory(instance_facts),
        *abilities(instance_facts, roles, is_given=is_role_given),
    ]
    if data is None:
        return Examination(findings=most_decisive_first(found), repairs=())
    found += [*queues(data), *damage(data), *liveness(data), looked_at(data)]
    return Examination(findings=most_decisive_first(found), repairs=tuple(repairs(data, namespace)))


def looked_at(data: DataFacts) -> Finding:
    """Tell how much of the data the findings are about."""
    sampled = sum(each.sampled for each in data.queues)
    size = sum(each.stats.size for each in data.queues if each.stats is not None)
    scan = ""
    if data.scanned is not None:
        which = "all" if data.is_scan_complete else "only some of the"
        scan = f" A scan has seen {data.scanned:,} keys, which are {which} keys of tasks."
    return Finding(
        code="looked_at",
        severity="info",
        sentence=(
            f"Looked at {counted(len(data.queues), 'queue')} of {len(data.names):,}, at "
            f"{sampled:,} of {counted(size, 'task')}, at "
            f"{counted(len(data.servers), 'live server')} and "
            f"{counted(len(data.schedulers), 'live scheduler')}.{scan}"
        ),
        evidence={
            "queues": len(data.queues),
            "tasks": size,
            "sampled": sampled,
            "servers": len(data.servers),
            "schedulers": len(data.schedulers),
            "keys_scanned": data.scanned,
            "is_scan_complete": data.is_scan_complete if data.scanned is not None else None,
        },
        advice=""
        if data.scanned is not None
        else "`--scan` also finds tasks that no list names, and locks without a task",
    )
