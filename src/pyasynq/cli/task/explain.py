"""``pyasynq task explain``: why does a task not run, or why is it refused?"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import named
from pyasynq.cli.exit_codes import NOT_FOUND, PARTLY
from pyasynq.cli.findings import findings_on_screen
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.output import output_option, print_rows
from pyasynq.cli.value_types import ids_argument, queue_option
from pyasynq.inspector import Finding
from pyasynq.shown import shown
from pyasynq.task import Task

ABSENT = frozenset(("unknown_queue", "unknown_id", "task_missing"))
OF_ENQUEUE = frozenset(("lock_held", "lock_without_task", "lock_free", "id_taken"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Findings about one thing: a task, or an enqueue, which has no *task_id*."""

    heading: str
    task_id: str | None
    findings: Sequence[Finding]

    @classmethod
    def of_task(cls, queue: str, task_id: str, findings: Sequence[Finding]) -> "_Part":
        """Return what was found about a task."""
        heading = f"Task {shown(task_id)} of queue {shown(queue)}"
        return cls(heading=heading, task_id=task_id, findings=findings)


@click.command("explain")
@ids_argument
@queue_option
@click.option(
    "-t",
    "--type",
    "--type_name",
    "--type-name",
    "task_type",
    help="In place of IDs: a type that is refused when it is enqueued with a unique lock.",
)
@click.option("-l", "--payload", help="The payload of that type. Default: none.")
@click.option("--unique-key", "--unique_key", help="What makes it unique in place of its payload.")
@redis_url_option
@output_option
def explain(
    *,
    ids: Sequence[str],
    queue: str,
    task_type: str | None,
    payload: str | None,
    unique_key: str | None,
    redis_url: str | None,
    output: str,
) -> int:
    """Tell why tasks do not run.

    What is found is shown with the most decisive first, what to do about it, and what it follows
    from. With --type it tells who holds the unique lock of such a task. Nothing is changed.
    """
    if task_type is None and (payload is not None or unique_key is not None):
        raise click.UsageError("--payload and --unique-key need --type")
    if task_type is not None and ids:
        raise click.UsageError("give IDs of tasks or --type, not both")
    with inspecting(redis_url) as inspector:
        if task_type is not None:
            task = Task(task_type, _data(payload))
            found = inspector.tasks.explain_enqueue(task, queue=queue, unique_key=unique_key)
            _print(_of_enqueue(task_type, queue, found), queue, output)
            return 0
        if not ids:
            raise click.UsageError("name at least one ID, or --type for a task that is refused")
        by_id = {task_id: inspector.tasks.explain(queue, task_id) for task_id in named(ids, "ID")}
    _print([_Part.of_task(queue, *each) for each in by_id.items()], queue, output)
    absent = sum(any(each.code in ABSENT for each in some) for some in by_id.values())
    if not absent:
        return 0
    return NOT_FOUND if absent == len(by_id) else PARTLY


def _data(payload: str | None) -> bytes | None:
    try:
        # Bytes of the command line that are not UTF-8 are lone surrogates here: restore them.
        return None if payload is None else payload.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise click.BadParameter(str(error), param_hint="--payload") from error


def _of_enqueue(task_type: str, queue: str, found: Sequence[Finding]) -> list[_Part]:
    """Return what was found about an enqueue, and about the task that holds the lock."""
    own = [each for each in found if each.code in OF_ENQUEUE]
    heading = f"An enqueue of type {shown(task_type)} to queue {shown(queue)}"
    parts = [_Part(heading=heading, task_id=None, findings=own)]
    if len(own) < len(found):
        holder = next(each.evidence["holder"] for each in own if each.code == "lock_held")
        parts.append(_Part.of_task(queue, holder, found[len(own) :]))
    return parts


def _print(parts: Sequence[_Part], queue: str, output: str) -> None:
    rows = [
        {"queue": queue, "task_id": part.task_id, **asdict(finding)}
        for part in parts
        for finding in part.findings
    ]
    print_rows(
        rows,
        output,
        page=lambda: "\n\n".join(
            findings_on_screen(part.heading, part.findings, known=(queue, part.task_id))
            for part in parts
        ),
    )
