"""The entry point, and what users see of an error; see commands.py and exit_codes.py."""

import io
import os
import sys
from collections.abc import Callable
from typing import Any

import click

from pyasynq.cli.commands import COMMANDS
from pyasynq.cli.connect import redis_options
from pyasynq.cli.debug import debug_option, show_traceback
from pyasynq.cli.exit_codes import INTERRUPTED, exit_code
from pyasynq.cli.lazy_group import LazyGroup
from pyasynq.debug import is_debug
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.version import __version__

SHORT_HELP = """\
pyasynq runs background tasks on Redis, side by side with Go's Asynq.

  pyasynq dev app:app         work on an App: a Redis if none runs, reload on change
  pyasynq worker app:app      run the tasks of the App `app` in app.py
  pyasynq stats               see what is in the queues
  pyasynq task errors         see what fails, and why

`pyasynq --help` lists everything, `pyasynq COMMAND --help` explains a command.
"""

# Those that take settings of the project; the others do not read them.
CONFIGURED = ("dev", "scheduler", "worker")

# What they run in a project of Django, unless another App is named.
APP_OF_DJANGO = "pyasynq.contrib.django:app"


class Nouns(LazyGroup):
    """All commands."""

    table = COMMANDS


@click.command(cls=Nouns, invoke_without_command=True)
@click.version_option(__version__, "--version", message="pyasynq %(version)s")
@debug_option
@redis_options
@click.pass_context
def pyasynq(context: click.Context) -> None:
    """Run background tasks on Redis, side by side with Go's Asynq."""
    if context.invoked_subcommand is None:
        click.echo(SHORT_HELP, nl=False)
    elif context.invoked_subcommand in CONFIGURED:
        context.default_map = project_defaults()


def main(arguments: list[str] | None = None, *, program: str | None = None) -> None:
    """Run the command line and exit.

    Args:
        arguments: those of the process if None.
        program: what the help calls it; the name of the program if None.
    """
    given = sys.argv[1:] if arguments is None else arguments
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where the locale lacks a character

    def command() -> Any:
        return pyasynq.main(args=given, prog_name=program, standalone_mode=False)

    sys.exit(run(command))


def project_defaults() -> dict[str, Any]:
    """Return the settings of the project, as defaults of the commands that take them."""
    from pyasynq.settings import project_settings  # noqa: PLC0415 - a parser of TOML

    found = project_settings()
    dev = {name: found[name] for name in ("app_dir",) if name in found}
    if "app" in found:
        dev["target"] = found["app"]
    elif os.environ.get("DJANGO_SETTINGS_MODULE"):
        dev["target"] = APP_OF_DJANGO
    worker = {name: value for name, value in found.items() if name not in ("app", "redis_url")}
    if "queues" in found:
        worker["queues"] = [found["queues"]]  # the flag may be given several times
    scheduler = {name: found[name] for name in ("log_level",) if name in found}
    return {"worker": {**worker, **dev}, "dev": dev, "scheduler": {**scheduler, **dev}}


def run(command: Callable[[], Any]) -> int:
    """Run *command*; return the exit code, and write to stderr what went wrong."""
    try:
        code = command()
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return 0
    except Exception as error:  # noqa: BLE001 - of the application, too, while it is imported
        return _report(error)
    return code if isinstance(code, int) else 0


def _report(error: Exception) -> int:
    """Write to stderr what went wrong; return the exit code."""
    is_explained = isinstance(error, click.ClickException | PyasynqError)
    if is_debug() or not is_explained:
        show_traceback(error)
    if isinstance(error, click.ClickException):
        error.show()
        return error.exit_code
    if isinstance(error, PyasynqError):
        click.echo(f"Error: {_told(error)}", err=True)
    return exit_code(error)


def _told(error: PyasynqError) -> str:
    """Return the text of *error*, with the hint for those who use the command line."""
    if not isinstance(error, RedisUnavailableError):
        return str(error)
    from pyasynq.broker.runners.calls import NOBODY_THERE  # noqa: PLC0415 - loaded by the call

    if error.hint not in ("", NOBODY_THERE):
        return str(error)
    return (
        f"{str(error).removesuffix(f'; {error.hint}')}\n"
        "Is Redis running there? Say where with --redis-url or PYASYNQ_REDIS_URL; "
        "`pyasynq dev` starts one."
    )
