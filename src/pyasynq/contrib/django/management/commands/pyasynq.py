"""``manage.py pyasynq …``: the command line of pyasynq, in the project."""

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, handle_default_options
from django.db import connections
from typing_extensions import override

from pyasynq.cli.main import main
from pyasynq.connection.options import URL_VARIABLE
from pyasynq.contrib.django.settings import Settings

PROGRAM = "manage.py pyasynq"
RUNS_TASKS = ("dev", "scheduler", "worker")


class Command(BaseCommand):
    """Passes everything on to pyasynq, which runs the App of the project and asks its Redis."""

    help = "Run the command line of pyasynq: worker, dev, scheduler, stats, …"

    @override
    def run_from_argv(self, argv: list[str]) -> None:
        """Run the command line, and exit with its code."""
        options, arguments = _own_options().parse_known_args(argv[2:])
        handle_default_options(options)
        try:
            self._run(arguments)
        except CommandError as error:  # what the checks have found
            self.stderr.write(f"{type(error).__name__}: {error}")
            sys.exit(error.returncode)

    @override
    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Show the help of pyasynq."""
        del prog_name, subcommand
        self._run(["--help"])

    @override
    def add_arguments(self, parser: Any) -> None:
        """Take whatever follows, for `call_command`."""
        parser.add_argument("arguments", nargs=argparse.REMAINDER)

    @override
    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command line for `call_command`.

        Raises:
            CommandError: it has failed.
        """
        try:
            self._run(options["arguments"])
        except SystemExit as ended:
            if ended.code:
                raise CommandError(
                    f"pyasynq ended with exit code {ended.code}", returncode=ended.code
                ) from None

    def _run(self, arguments: Sequence[str]) -> None:
        url = Settings.of_project().url
        if isinstance(url, str) and URL_VARIABLE not in os.environ:
            os.environ[URL_VARIABLE] = url
        if arguments and arguments[0] in RUNS_TASKS:
            self.check(tags=["pyasynq"])
            # A process that this one starts finds the project where manage.py is.
            os.environ.setdefault("PYASYNQ_APP_DIR", sys.path[0])
        connections.close_all()
        main(list(arguments), program=PROGRAM)


def _own_options() -> argparse.ArgumentParser:
    """Return what reads the options that every command of ``manage.py`` takes."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--settings")
    parser.add_argument("--pythonpath")
    return parser
