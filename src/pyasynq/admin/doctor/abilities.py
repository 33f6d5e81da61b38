"""Findings about what a Redis, its provider or its rights keep programs from doing."""

from collections.abc import Iterator, Mapping, Sequence

from pyasynq.admin.doctor.facts import InstanceFacts
from pyasynq.admin.doctor.roles import OPTIONAL, Role, commands_of
from pyasynq.inspector.finding import Finding, Severity

SHARED_SLOT = "asynq:{QUEUE}:…"


def abilities(facts: InstanceFacts, roles: Sequence[Role], *, is_given: bool) -> Iterator[Finding]:
    """Tell what is refused, and which roles lack it.

    Args:
        facts: what was found out.
        roles: those that matter.
        is_given: whether somebody named them; else each of them may be meant to lack rights.
    """
    yield from _scripts(facts)
    yield from _keys(facts)
    if "worker" in roles:
        yield from _wake_up(facts)
    if "SUBSCRIBE" in facts.failed and {"worker", "admin"} & {*roles}:
        yield Finding(
            code="pubsub_refused",
            severity="warning",
            sentence=(
                "Pub/sub does not work here, so workers do not hear that a running task is to be "
                "cancelled, and hear of tasks that become due only when they look."
            ),
            evidence={"error": facts.failed["SUBSCRIBE"]},
            advice="give the user +subscribe, +unsubscribe and +publish, and the channels "
            "&asynq:cancel and &asynq:x:due; if a proxy refuses it, go without cancellation",
        )
    if "TIME" in facts.failed:
        yield Finding(
            code="time_refused",
            severity="warning",
            sentence=(
                "The time of Redis cannot be asked, so each machine goes by its own clock for "
                "leases and for when tasks become due."
            ),
            evidence={"error": facts.failed["TIME"]},
            advice="give the user +time, or set the clocks of all machines by NTP",
        )
    yield from _commands(facts, roles, is_given=is_given)


def _scripts(facts: InstanceFacts) -> Iterator[Finding]:
    if "scripts" in facts.failed:
        yield Finding(
            code="scripts_refused",
            severity="error",
            sentence=(
                "Scripts are refused; without them no task can be enqueued or run, by programs in "
                "Python or in Go."
            ),
            evidence={"error": facts.failed["scripts"]},
            advice="give the user +eval and +evalsha, or use a service that permits scripts",
        )
    several = facts.failed.get("several keys", "")
    if several and not _is_permission(several):  # then the script was run after all
        yield Finding(
            code="several_keys_refused",
            severity="error",
            sentence=(
                "A script with several keys of one queue is refused; no task can be enqueued or "
                "run without that."
            ),
            evidence={"error": several},
            advice="use a Redis, a cluster or a proxy that permits scripts whose keys share a hash "
            f"tag, as in {SHARED_SLOT}",
        )


def _keys(facts: InstanceFacts) -> Iterator[Finding]:
    if facts.is_spread:
        yield Finding(
            code="hash_tags_ignored",
            severity="error",
            sentence=(
                "Keys with the same hash tag are on different servers, so a script does not find "
                "the tasks of its queue: tasks are lost."
            ),
            evidence={"hash_tag": SHARED_SLOT},
            advice="let the proxy keep keys together by what is in braces (twemproxy: "
            'hash_tag: "{}"), and begin with an empty Redis',
        )
    if "undeclared keys" in facts.failed:
        yield Finding(
            code="undeclared_keys_refused",
            severity="error",
            sentence=(
                "A script may only use keys that it declares, but the keys of tasks are known only "
                "inside of scripts, by programs in Python and in Go."
            ),
            evidence={"error": facts.failed["undeclared keys"]},
            advice="let scripts use any key of their slot, or use a Redis that does",
        )


def _wake_up(facts: InstanceFacts) -> Iterator[Finding]:
    refused = {
        name: facts.failed[name] for name in ("CLIENT TRACKING", "BLMOVE") if name in facts.failed
    }
    if not refused:
        return
    is_polling = len(refused) > 1
    yield Finding(
        code="wake_up_refused" if is_polling else "wake_up_limited",
        severity="warning" if is_polling else "info",
        sentence=(
            "Redis tells idle workers nothing (no CLIENT TRACKING, no BLMOVE), so they look for "
            "tasks again and again, as those in Go do."
            if is_polling
            else f"{next(iter(refused))} is refused, so idle workers hear of new tasks in another "
            "way, which costs a little more."
        ),
        evidence={"refused": refused},
        advice="give the user +client|tracking and +blmove; Redis 6.2 and newer have both"
        if is_polling
        else "",
    )


def _commands(facts: InstanceFacts, roles: Sequence[Role], *, is_given: bool) -> Iterator[Finding]:
    refused = dict(facts.commands or {})
    full = {name for name, why in refused.items() if "maxmemory" in why or why.startswith("OOM")}
    if full:
        yield Finding(
            code="memory_full",
            severity="error",
            sentence="The memory of Redis is full, and it refuses to enqueue.",
            evidence={"refused": sorted(full)},
            advice="raise maxmemory, or delete tasks",
        )
    others = {name: why for name, why in refused.items() if name not in full}
    rights = {name: why for name, why in others.items() if _is_permission(why)}
    unknown = {name: why for name, why in others.items() if name not in rights}
    yield from _missing("rights_missing", rights, roles, is_given=is_given)
    yield from _missing("commands_refused", unknown, roles, is_given=True)


def _missing(
    code: str, refused: Mapping[str, str], roles: Sequence[Role], *, is_given: bool
) -> Iterator[Finding]:
    """Tell for each role what it lacks; roles that lack the same are told of together."""
    lacking: dict[tuple[str, ...], list[Role]] = {}
    for role in roles:
        commands = tuple(sorted(commands_of(role) & refused.keys()))
        if commands:
            lacking.setdefault(commands, []).append(role)
    for commands, found in lacking.items():
        needed = [each for each in commands if each not in OPTIONAL]
        severity: Severity = "error" if needed and is_given else "warning"
        who = " and ".join(map(_named, found))
        rights = " ".join(f"+{each.lower()}" for each in commands)
        yield Finding(
            code=code,
            severity=severity,
            sentence=(
                f"Redis {'does not permit this user' if code == 'rights_missing' else 'refuses'} "
                f"{', '.join(commands)}, so no program can be {who} here."
                if needed
                else f"Redis refuses {', '.join(commands)}: "
                f"{'; '.join(OPTIONAL[each] for each in commands)}."
            ),
            evidence={
                "roles": list(found),
                "commands": list(commands),
                "error": refused[commands[0]],
            },
            advice=f"add {rights} to the rights of the user"
            if code == "rights_missing"
            else "let these commands be called by their own names, or use a Redis that has them",
        )


def _named(role: Role) -> str:
    return f"{'an' if role[0] in 'aeiou' else 'a'} {role}"


def _is_permission(text: str) -> bool:
    lowered = text.lower()
    return (
        "noperm" in lowered
        or "user executing the script can't" in lowered
        or ("no permissions" in lowered)
    )
