"""``pyasynq health``: whether tasks can be stored and are worked on, for probes and people.

A container without curl asks the port of its worker with it every few seconds, so what that does
not need is imported later.
"""

import os
from collections.abc import Sequence
from typing import Any

import click
from typing_extensions import override

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.exit_codes import FAILURE
from pyasynq.cli.http_address import Address, AddressType
from pyasynq.cli.live_words import queue_names
from pyasynq.cli.output import output_option
from pyasynq.cli.worker_probe import USUAL, ask

OF_THE_WORKER = ""  # ``--http`` without a value
LONGEST_TIMEOUT_S = 3600


class AddressOfWorker(AddressType):
    """An address to ask; where the worker of this environment listens if there is no value."""

    @override
    def convert(self, value: Any, param: Any, ctx: Any) -> Address:
        """Read ``127.0.0.1:8080`` or ``:8080``; nothing stands for what the settings say."""
        given = value if value != OF_THE_WORKER else os.environ.get("PYASYNQ_HTTP") or _of_project()
        address = super().convert(given, param, ctx)
        if not address.port:
            self.fail("port 0 is any that is free; name the one that the worker has logged")
        return address


def _of_project() -> object:
    from pyasynq.settings import project_settings  # noqa: PLC0415 - a parser of TOML

    return project_settings().get("http", USUAL)


@click.command("health")
@click.option(
    *("-q", "--queue", "queues"),
    multiple=True,
    shell_complete=queue_names,
    help="It must be served; may be given again.",
)
@click.option(
    "--http",
    type=AddressOfWorker(),
    is_flag=False,
    flag_value=OF_THE_WORKER,
    metavar="[HOST:PORT]",
    help="Ask the port of the worker whether it is ready, not Redis. Without a value: "
    "$PYASYNQ_HTTP, else http of [tool.pyasynq] in pyproject.toml, else 127.0.0.1:8080.",
)
@click.option("--live", is_flag=True, help="With --http: ask whether it is alive.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=LONGEST_TIMEOUT_S),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="With --http: how long the answer may take.",
)
@redis_url_option
@output_option
def command(
    *,
    queues: Sequence[str],
    http: Address | None,
    live: bool,
    timeout: float,
    redis_url: str | None,
    output: str,
) -> int:
    """Tell whether Redis answers and servers are alive.

    The exit code is 0 if all is well, 1 if no server is alive or one of the queues is not served,
    and 69 if Redis does not answer.

    With --http the port of a worker is asked instead: it is 0 if that is ready, else 1, and one
    line tells why.
    """
    if http is None:
        if live:
            raise click.UsageError("--live needs --http: it asks a worker")
        from pyasynq.cli.servers_health import tell  # noqa: PLC0415 - a probe does without

        return tell(queues, redis_url, output)
    if queues or output != "table":
        raise click.UsageError("-q and -o say what is asked of Redis; --http asks a worker")
    is_well, line = ask(http, live=live, timeout_s=timeout)
    click.echo(line)
    return 0 if is_well else FAILURE
