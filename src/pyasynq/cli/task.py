"""``pyasynq task``: tasks, one by one."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import click
from typing_extensions import override

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.output import as_json, as_lines, output_option
from pyasynq.cli.target import app_dir_option, load_app
from pyasynq.cli.typed_task import typed_task
from pyasynq.client import Client
from pyasynq.errors import PayloadError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task, TaskInfo
from pyasynq.wire.go_duration import parse_duration

if TYPE_CHECKING:
    from pyasynq.app import App


class GoDuration(click.ParamType[timedelta]):
    """A duration in Go's form, or a number of seconds."""

    name = "duration"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> timedelta:
        """Read ``1h30m``, ``1.5s`` or ``90``."""
        try:
            return timedelta(seconds=float(value))
        except (ValueError, OverflowError):
            pass
        try:
            return timedelta(microseconds=parse_duration(value) / 1000)
        except PayloadError as error:
            self.fail(str(error), param, ctx)


class Moment(click.ParamType[datetime]):
    """A moment in RFC 3339 form."""

    name = "time"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        """Read ``2030-01-31T12:00:00Z``."""
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time; write it as 2030-01-31T12:00:00Z", param, ctx)
        if moment.utcoffset() is None:
            self.fail(f"{value!r} has no time zone; end it with Z or +02:00", param, ctx)
        return moment


class Header(click.ParamType[tuple[str, str]]):
    """A header, as name=value."""

    name = "name=value"

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        """Read ``name=value``."""
        name, separator, text = value.partition("=")
        if not separator:
            self.fail(f"{value!r} is not a header; write it as name=value", param, ctx)
        return name, text


@click.group("task")
def command() -> None:
    """Enqueue tasks."""


@command.command("enqueue")
@click.option("-t", "--type_name", "--type", "task_type", required=True, help="Type of the task.")
@click.option("-l", "--payload", default=None, help="Payload, usually JSON. Default: none.")
@click.option("-q", "--queue", help="Queue; default 'default'.")
@click.option("--id", "task_id", help="ID, unique in the queue; default a random UUID.")
@click.option("--retry", "max_retry", type=int, help="How often it may be retried; default 25.")
@click.option(
    "--timeout", type=GoDuration(), help="Longest run of an attempt, such as 30s; default 30m."
)
@click.option("--deadline", type=Moment(), help="When every attempt ends, in RFC 3339 form.")
@click.option("--unique", type=GoDuration(), help="For how long an equal task is refused.")
@click.option("--process_at", type=Moment(), help="Run not before this moment.")
@click.option("--process_in", type=GoDuration(), help="Run not before this much time has passed.")
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
    click.echo(_printed(info, output))


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


def _printed(info: TaskInfo, output: str) -> str:
    if output == "table":
        return f"Enqueued task {info.id} to queue {info.queue}"
    fields = asdict(info) | {"payload": info.payload.decode("utf-8", "replace")}
    return as_json(fields) if output == "json" else as_lines([fields])
