"""The entry point: the table of commands, and what users see of an error; see exit_codes.py."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click
from typing_extensions import override

from pyasynq.cli.debug import debug_option, show_traceback
from pyasynq.cli.exit_codes import INTERRUPTED, exit_code
from pyasynq.debug import is_debug
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.version import __version__

SHORT_HELP = """\
pyasynq runs background tasks on Redis, side by side with Go's Asynq.

  pyasynq dev app:app         work on an App: a Redis if none runs, reload on change
  pyasynq worker app:app      run the tasks of the App `app` in app.py
  pyasynq stats               see what is in the queues

`pyasynq --help` lists everything, `pyasynq COMMAND --help` explains a command.
"""

# Name, module, what it does: a command is loaded when it is used, so that starting is quick.
COMMANDS = {
    "dev": ("pyasynq.cli.dev", "Run the tasks of an App while you work on it."),
    "stats": ("pyasynq.cli.stats", "Show what is in the queues."),
    "task": ("pyasynq.cli.task", "Enqueue tasks."),
    "worker": ("pyasynq.cli.worker", "Run the tasks of an App."),
}

# Those that take settings of the project; the others do not read them.
CONFIGURED = ("dev", "worker")


class Commands(click.Group):
    """A group whose commands live in modules of their own."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[cmd_name][0]).command
        return command

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = [name for name in COMMANDS if name.startswith(args[0][:2])]
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.command(cls=Commands, invoke_without_command=True)
@click.version_option(__version__, "--version", message="pyasynq %(version)s")
@debug_option
@click.pass_context
def pyasynq(context: click.Context) -> None:
    """Run background tasks on Redis, side by side with Go's Asynq."""
    if context.invoked_subcommand is None:
        click.echo(SHORT_HELP, nl=False)
    elif context.invoked_subcommand in CONFIGURED:
        context.default_map = project_defaults()


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit."""
    given = sys.argv[1:] if arguments is None else arguments

    def command() -> Any:
        return pyasynq.main(args=given, standalone_mode=False)

    sys.exit(run(command))


def project_defaults() -> dict[str, Any]:
    """Return the settings of the project, as defaults of the commands that take them."""
    from pyasynq.settings import project_settings  # noqa: PLC0415 - a parser of TOML

    found = project_settings()
    dev = {name: found[name] for name in ("app_dir",) if name in found}
    if "app" in found:
        dev["target"] = found["app"]
    worker = {name: value for name, value in found.items() if name not in ("app", "redis_url")}
    if "queues" in found:
        worker["queues"] = [found["queues"]]  # the flag may be given several times
    return {"worker": {**worker, **dev}, "dev": dev}


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
    return (
        f"{str(error).removesuffix(f'; {error.hint}')}\n"
        "Is Redis running there? Say where with --redis-url or PYASYNQ_REDIS_URL; "
        "`pyasynq dev` starts one."
    )
