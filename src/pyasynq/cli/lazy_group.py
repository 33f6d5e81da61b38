"""A group of commands that are loaded when they are used, with aliases and with suggestions."""

from collections.abc import Mapping
from importlib import import_module

import click
from click.shell_completion import CompletionItem
from typing_extensions import override

from pyasynq.cli.commands import OTHER_COMMANDS, Command
from pyasynq.cli.examples import EXAMPLES
from pyasynq.spelling import nearest


class LazyGroup(click.Group):
    """A group whose commands are in a table."""

    table: Mapping[str, Command] = {}
    prefix = ""  # of the names of its commands in full

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self.table)

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        name = self._name(cmd_name)
        return None if name is None else loaded(f"{self.prefix}{name}", self.table[name])

    @override
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(
                [
                    (", ".join((name, *self.table[name].aliases)), self.table[name].summary)
                    for name in sorted(self.table)
                ]
            )

    @override
    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        names = [
            CompletionItem(name, help=self.table[name].summary)
            for name in sorted(self.table)
            if name.startswith(incomplete)
        ]
        # The method of a group would load every command.
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    @override
    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        is_meant = not args[0].startswith("-") and not ctx.resilient_parsing
        if is_meant and self._name(args[0]) is None:
            known = [*self.table, *(each for one in self.table.values() for each in one.aliases)]
            near = OTHER_COMMANDS.get(f"{self.prefix}{args[0]}") or nearest(args[0], known)
            hint = f" Did you mean {near!r}?" if near else ""
            ctx.fail(f"No such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def _name(self, given: str) -> str | None:
        """Return the name of a command of which *given* is the name or an alias."""
        if given in self.table:
            return given
        return next((name for name, each in self.table.items() if given in each.aliases), None)


def loaded(name: str, command: Command) -> click.Command:
    """Return a command, or the group of the verbs of a noun; *name* is its name in full."""
    if command.verbs:
        noun = LazyGroup(name, help=command.summary)
        noun.table, noun.prefix = command.verbs, f"{name} "
        return noun
    found: click.Command = getattr(import_module(f"pyasynq.cli.{command.module}"), command.function)
    if name in EXAMPLES:
        found.epilog = "\n".join(("\b", "Examples:", *(f"  {each}" for each in EXAMPLES[name])))
    return found
