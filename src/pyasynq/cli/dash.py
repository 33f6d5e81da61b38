"""``pyasynq dash``: the terminal UI, which needs the extra ``tui``."""

import sys
from datetime import timedelta
from importlib.util import find_spec

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.exit_codes import FAILURE
from pyasynq.cli.value_types import GoDuration

SHORTEST = timedelta(seconds=1)  # as in Go
MISSING = "dash needs the extra 'tui'; `pip install 'pyasynq[tui]'` brings it"
NO_TERMINAL = (
    "dash needs a terminal; `pyasynq stats` and `pyasynq task ls` print what it shows anywhere"
)


@click.command("dash")
@click.option(
    "--refresh",
    type=GoDuration(),
    default="2",
    show_default=True,
    metavar="SECONDS",
    help="Time between two reads of what is shown, at least 1 second.",
)
@click.option("--read-only", is_flag=True, help="Change nothing: keys that act do not.")
@click.option(
    "--theme",
    type=click.Choice(["dark", "light"]),
    help="Colours for a dark or a light terminal. Default: what COLORFGBG says, else dark.",
)
@redis_url_option
def command(
    *, refresh: timedelta, read_only: bool, theme: str | None, redis_url: str | None
) -> int:
    """Look at queues and act on them in a terminal.

    `?` shows the keys. What is shown stays up to date; if Redis does not answer, it says since when
    it is stale, and goes on by itself later.
    """
    if refresh < SHORTEST:
        raise click.BadParameter("must be at least 1 second", param_hint="--refresh")
    if find_spec("textual") is None:
        raise click.ClickException(MISSING)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError(NO_TERMINAL)
    from pyasynq.tui.dash import Dash  # noqa: PLC0415 - Textual is an extra, and takes a while

    dash = Dash(redis_url, refresh_s=refresh.total_seconds(), read_only=read_only, theme=theme)
    dash.run()
    return FAILURE if dash.return_code else 0
