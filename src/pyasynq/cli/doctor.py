"""``pyasynq doctor``: is this Redis fit for tasks, and is its data in order?"""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import get_args

import click

from pyasynq.admin.doctor import Doctor, Examination, Repair, Role
from pyasynq.admin.doctor.rights import line_of
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.exit_codes import FAILURE
from pyasynq.cli.findings import findings_on_screen
from pyasynq.cli.output import note, output_option, print_rows
from pyasynq.connection.options import ConnectionOptions
from pyasynq.inspector.explain.words import counted
from pyasynq.inspector.finding import SEVERITIES

MOST_KEYS = 1_000_000


@click.command("doctor")
@click.option(
    "--role",
    type=click.Choice(get_args(Role)),
    help="What the user of Redis is meant to be; lacking rights are an error then.",
)
@click.option(
    "--acl",
    is_flag=True,
    help="With --role: print the command that makes such a user of Redis, and do nothing else.",
)
@click.option(
    "--scan",
    is_flag=True,
    help="Look at all keys, for tasks that no list names and locks without a task: at "
    f"{MOST_KEYS:,} of each server of Redis, unless --keys says otherwise.",
)
@click.option("--keys", type=click.IntRange(min=1), help="How many keys --scan looks at.")
@click.option("--fix", is_flag=True, help="Show what would heal the data; with --yes, do it.")
@click.option("-y", "--yes", is_flag=True, help="With --fix: heal.")
@redis_url_option
@output_option
def command(
    *,
    role: Role | None,
    acl: bool,
    scan: bool,
    keys: int | None,
    fix: bool,
    yes: bool,
    redis_url: str | None,
    output: str,
) -> int:
    """Tell what is wrong with a Redis and with the tasks in it.

    It looks at what the Redis is and permits, at its memory, and at samples of all queues. What is
    found is shown with the most decisive first, and what to do about it. Nothing is changed but by
    --fix --yes. The exit code is 1 if anything is found that is an error.
    """
    if yes and not fix:
        raise click.UsageError("--yes needs --fix")
    if acl:
        _print_rights(role, redis_url)
        return 0
    most = (keys or MOST_KEYS) if scan or keys else 0
    is_done = fix and yes
    with Doctor(redis_url) as doctor:
        found = doctor.examine(role=role, scan=most)
        healed = {each: doctor.repair(each) for each in found.repairs} if is_done else {}
        _print(found, doctor.description, output, healed)
        if fix:
            _note_repairs(found, healed, is_done=is_done)
        if healed:
            found = doctor.examine(role=role, scan=most)
            note(f"Afterwards: {_summary(found)}.")
    return 0 if found.is_healthy else FAILURE


def _print_rights(role: Role | None, redis_url: str | None) -> None:
    """Print what makes a user who has a role and nothing else; nobody is connected to."""
    if role is None:
        raise click.UsageError("--acl needs --role")
    options = (
        ConnectionOptions.from_environment()
        if redis_url is None
        else ConnectionOptions.from_url(redis_url)
    )
    click.echo(line_of(role, namespace=options.namespace))


def _print(found: Examination, description: str, output: str, healed: Mapping[Repair, int]) -> None:
    rows = []
    for finding in found.findings:
        repair = found.repair_of(finding)
        rows.append(
            {
                **asdict(finding),
                "fix": repair.sentence if repair else None,
                "fixed": healed.get(repair) if repair else None,
            }
        )
    heading = f"{description}: {_summary(found)}"
    # What is as it should be needs no evidence on a screen.
    shown = [
        replace(each, evidence={}) if each.severity == "info" else each for each in found.findings
    ]
    print_rows(rows, output, page=lambda: findings_on_screen(heading, shown))


def _summary(found: Examination) -> str:
    """Return how many findings there are of each severity that asks for something."""
    counts = {
        severity: sum(each.severity == severity for each in found.findings)
        for severity in SEVERITIES
    }
    told = [counted(counts[each], each) for each in ("error", "warning") if counts[each]]
    return " and ".join(told) or "nothing is wrong"


def _note_repairs(found: Examination, healed: Mapping[Repair, int], *, is_done: bool) -> None:
    """Tell what was healed, or would be."""
    if not found.repairs:
        note("\nThere is nothing that --fix heals.")
        return
    note("\nHealed:" if is_done else "\nThis would be done; add --yes to do it:")
    for each in found.repairs:
        count = f" ({healed[each]:,} of {len(each.steps):,})" if is_done else ""
        note(f"- {each.sentence}{count}")
