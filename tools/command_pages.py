"""Writes what follows from the table of commands: their options, and where settings come from."""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

import click
import settings
import unasync

from pyasynq.cli.commands import COMMANDS
from pyasynq.settings import KINDS
from pyasynq.worker.config import ServerConfig, setting_kinds

REFERENCE = unasync.ROOT / "docs" / "reference"
OPTIONS = REFERENCE / "command-options.md"
CONFIGURATION = REFERENCE / "configuration.md"
NOTICE = "<!-- made by tools/command_pages.py, of {}: change that, then `make generate` -->\n"
END = "<!-- end of what is made -->\n"


@dataclasses.dataclass(frozen=True)
class Described:
    """A command with its words, such as "task list", and its summary."""

    words: str
    summary: str
    aliases: Sequence[str]
    command: click.Command

    def options(self, *, hidden: bool = False) -> list[click.Option]:
        """Return its options, or those that ``--help`` does not list."""
        every = (each for each in self.command.params if isinstance(each, click.Option))
        return [each for each in every if each.hidden == hidden]


@cache
def commands() -> list[Described]:
    """Return every command."""
    return [
        Described(
            words=f"{noun} {verb}".strip(),
            summary=entry.summary,
            aliases=entry.aliases,
            command=getattr(import_module(f"pyasynq.cli.{entry.module}"), entry.function),
        )
        for noun, command in COMMANDS.items()
        for verb, entry in (command.verbs or {"": command}).items()
    ]


def outputs() -> dict[Path, str]:
    """Return the path and the text of both pages."""
    table = "the table of commands"
    return {
        OPTIONS: _filled(OPTIONS, {table: _options()}),
        CONFIGURATION: _filled(
            CONFIGURATION,
            {"ServerConfig": _settings(), table: _variables(), "pyasynq.settings": _project()},
        ),
    }


def _filled(path: Path, made: dict[str, Iterator[str]]) -> str:
    text = path.read_text("utf-8")
    for source, lines in made.items():
        notice = NOTICE.format(source)
        before, _, rest = text.partition(notice)
        after = rest.partition(END)[2]
        body = "\n".join(lines)
        text = f"{before}{notice}\n{body}\n\n{END}{after}"
    return text


def _options() -> Iterator[str]:
    shared = _shared()
    yield "## Where Redis is\n"
    yield "Every command that talks to Redis takes these; `--help` leaves out those of Go's tool.\n"
    yield from _table(shared.values())
    for each in commands():
        yield f"\n## pyasynq {each.words}\n"
        aliases = ", ".join(f"`{alias}`" for alias in each.aliases)
        yield each.summary + (f" Also: {aliases}." if aliases else "") + "\n"
        own = [option for option in each.options() if option.name not in shared]
        if own:
            yield from _table(own)
        yield from _besides(each, has_own=bool(own))


def _besides(described: Described, *, has_own: bool) -> Iterator[str]:
    shared = _shared()
    of_web = {
        option.name for each in commands() if each.words == "web" for option in each.options()
    }
    if any(option.name in shared for option in described.options()):
        also = "Also" if has_own else "It takes"
        yield f"\n{also} what says [where Redis is](#where-redis-is)."
    borrowed = {option.name for option in described.options(hidden=True)} & of_web
    if borrowed:
        yield "\nFor its web UI, also options of [pyasynq web](#pyasynq-web), but for the address."


@cache
def _shared() -> dict[str, click.Option]:
    """Return the options that say where Redis is, by name."""
    every = next(each for each in commands() if each.words == "queue list")
    named = {"redis_url", "password_file", "ask_password"}
    options = [*every.options(), *every.options(hidden=True)]
    return {each.name or "": each for each in options if each.hidden or each.name in named}


def _table(options: Iterable[click.Option]) -> Iterator[str]:
    yield "| option | default | means |\n|---|---|---|"
    for option in options:
        means = (option.help or "").replace("|", "\\|")
        yield f"| {_flags(option)} | {_default(option)} | {means}{_choices(option)} |"


def _flags(option: click.Option) -> str:
    value = "" if option.is_flag or option.count else f" {_metavar(option)}"
    on = ", ".join(f"`{flag}{value}`" for flag in option.opts)
    return ", ".join([on, *(f"`{flag}`" for flag in option.secondary_opts)])


def _metavar(option: click.Option) -> str:
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return (option.name or "").upper()
    return option.type.name.upper().removesuffix(" RANGE")


def _choices(option: click.Option) -> str:
    if not isinstance(option.type, click.Choice):
        return ""
    return " One of " + ", ".join(f"`{each}`" for each in option.type.choices) + "."


def _default(option: click.Option) -> str:
    value = option.default
    if isinstance(value, bool):
        return "yes" if value and option.secondary_opts else ""
    return (
        f"`{value:g}`"
        if isinstance(value, int | float)
        else f"`{value}`"
        if _is_text(value)
        else ""
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _settings() -> Iterator[str]:
    defaults, kinds = ServerConfig(), setting_kinds()
    flags = {each.name: each for each in _worker().options()}
    yield "| setting, and its variable | default | accepts | flag of `pyasynq worker` |"
    yield "|---|---|---|---|"
    for field in dataclasses.fields(ServerConfig):
        kind = kinds[field.name]
        flag = _flags(flags[field.name]) if field.name in flags else ""
        variable = f"<br>`PYASYNQ_{field.name.upper()}`" if kind.read is not None else ""
        default = settings.default_text(getattr(defaults, field.name), kind)
        yield f"| `{field.name}`{variable} | {default} | {settings.accepted(kind)} | {flag} |"


def _worker() -> Described:
    return next(each for each in commands() if each.words == "worker")


def _variables() -> Iterator[str]:
    found: dict[tuple[str, str], list[str]] = {}
    for each in commands():
        for option in each.command.params:
            if names := _environment(option):
                flags = (
                    _flags(option)
                    if isinstance(option, click.Option)
                    else f"the argument `{option.metavar}`"
                )
                found.setdefault((names, flags), []).append(f"`{each.words}`")
    yield "| variable | flag | of |\n|---|---|---|"
    for (names, flags), users in sorted(found.items()):
        yield f"| {names} | {flags} | {', '.join(users)} |"


def _environment(option: click.Parameter) -> str:
    names = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
    return ", ".join(f"`{name}`" for name in names)


def _project() -> Iterator[str]:
    yield "| key | value |\n|---|---|"
    for name, (_, words) in KINDS.items():
        yield f"| `{name}` | {words} |"
