"""``pyasynq task enqueue``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import click

from pyasynq.admin.task_row import task_row
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.live_words import queue_names, task_types
from pyasynq.cli.output import output_option, print_rows
from pyasynq.cli.target import app_dir_option, load_app
from pyasynq.cli.typed_task import typed_task
from pyasynq.cli.value_types import GoDuration, Header, Moment
from pyasynq.client import Client
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskInfo

if TYPE_CHECKING:
    from pyasynq.app import App


@click.command("enqueue")
@click.option(
    "-t",
    "--type_name",
    "--type-name",
    "--type",
    "task_type",
    required=True,
    shell_complete=task_types,
    help="Type of the task.",
)
@click.option("-l", "--payload", default=None, help="Payload, usually JSON. Default: none.")
@click.option("-q", "--queue", shell_complete=queue_names, help="Queue; default 'default'.")
@click.option("--id", "task_id", help="ID, unique in the queue; default a random UUID.")
@click.option("--retry", "max_retry", type=int, help="How often it may be retried; default 25.")
@click.option(
    "--timeout", type=GoDuration(), help="Longest run of an attempt, such as 30s; default 30m."
)
@click.option("--deadline", type=Moment(), help="When every attempt ends, in RFC 3339 form.")
@click.option("--unique", type=GoDuration(), help="For how long an equal task is refused.")
@click.option("--process_at", "--process-at", type=Moment(), help="Run not before this moment.")
@click.option(
    "--process_in",
    "--process-in",
    type=GoDuration(),
    help="Run not before this much time has passed.",
)
@click.option("--retention", type=GoDuration(), help="For how long the completed task is kept.")
@click.option("--group", help="Group to aggregate the task in.")
@click.option("--header", "headers", type=Header(), multiple=True, help="May be given again.")
@click.option(
    "--app",
    "target",
    metavar="MODULE:APP",
    help="Use the options of this App for the type, and check the payload by its parameters.",
)
@app_dir_option
@redis_url_option
@output_option
def enqueue(
    *,
    task_type: str,
    payload: str | None,
    target: str | None,
    app_dir: str | None,
    headers: tuple[tuple[str, str], ...],
    redis_url: str | None,
    output: str,
    **options: Any,
) -> None:
    """Enqueue a task.

    With --app, the options of the task there apply unless others are given here, and a payload that
    does not fit its parameters is refused; without it, any worker may be meant, also one in Go.
    """
    try:
        # Bytes of the command line that are not UTF-8 are lone surrogates here: restore them.
        data = None if payload is None else payload.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise click.BadParameter(str(error), param_hint="--payload") from error
    given = {name: value for name, value in options.items() if value is not None}
    if headers:
        given["headers"] = dict(headers)
    if target is None:
        with Client(redis_url) as client:
            info = client.enqueue(Task(task_type, data), **given)
    else:
        info = _enqueue_of_app(load_app(target, app_dir), redis_url, task_type, data, given)
    text = f"Enqueued task {info.id} to queue {info.queue}"
    print_rows([task_row(info)], output, page=lambda: text, document=task_row(info))


def _enqueue_of_app(
    app: "App",
    redis_url: str | None,
    task_type: str,
    payload: bytes | None,
    given: Mapping[str, Any],
) -> TaskInfo:
    task, usual = typed_task(app, task_type, payload)
    options = EnqueueOptions.from_keywords(given).merged_over(usual)
    app.reconfigure(redis_url)
    try:
        (result,) = app.enqueue_many([(task, options)])
    finally:
        app.close()
    if result.error is not None:
        raise result.error
    return cast("TaskInfo", result.info)  # one of the two is given
