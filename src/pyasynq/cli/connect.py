"""The options that say where Redis is: ``--redis-url``, or the flags of Go's `asynq`.

Go's flags may stand before the command, as Go allows, or after it.
"""

import sys
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

import click

from pyasynq.connection import passwords

F = TypeVar("F", bound=Callable[..., Any])

GIVEN = "pyasynq.redis"  # where a context keeps what was given
DEFAULT_ADDRESS = "127.0.0.1:6379"
DEFAULT_NODES = ",".join(f"127.0.0.1:{port}" for port in range(7000, 7006))


def redis_url_option(function: F) -> F:
    """Add the options; *function* gets ``redis_url``, None for what the environment says."""

    @wraps(function)
    def with_url(*args: Any, **others: Any) -> Any:
        return function(*args, redis_url=given_url(), **others)

    return redis_options(with_url)  # type: ignore[return-value]  # it takes what F takes


def redis_options(function: F) -> F:
    """Add the options to a function that does not need them itself."""
    for names, kind, text in (
        (("--insecure",), bool, "Trust any certificate, as in Go."),
        (("--tls_server", "--tls-server"), str, "Name of the server in its certificate."),
        (("--tls",), bool, "Encrypt, as in Go."),
        (("--cluster_addrs", "--cluster-addrs"), str, "Nodes of the cluster, as in Go."),
        (("--cluster",), bool, "Redis is a cluster, as in Go."),
        (("-p", "--password"), str, "Password, as in Go."),
        (("-U", "--username"), str, "User, as in Go."),
        (("-n", "--db"), click.IntRange(min=0), "Number of the database, as in Go."),
        (("-u", "--uri"), str, "Address of Redis, as in Go."),
    ):
        function = remembered(*names, type=kind, help=text, hidden=True)(function)
    for name, settings, text in (
        ("--ask-password", {"type": bool}, "Ask for the password of Redis."),
        ("--password-file", {"metavar": "FILE"}, "A file that begins with the password of Redis."),
    ):
        function = remembered(name, help=text, **settings)(function)
    return remembered(
        "--redis-url",
        metavar="URL",
        help="Where Redis is, such as redis://localhost:6379/0; or Go's flags -u, -n, -U, -p, "
        "--tls, --cluster. Default: $PYASYNQ_REDIS_URL, else redis_url of [tool.pyasynq] in "
        "pyproject.toml, else what `pyasynq dev` started in this directory, else "
        "redis://127.0.0.1:6379/0.",
    )(function)


def given_url(context: click.Context | None = None) -> str | None:
    """Return the URL of the Redis that the command line names; None if it names none.

    Args:
        context: of the command; that of the command that runs if not given.

    Raises:
        click.UsageError: the options contradict each other, or the environment.
    """
    given = dict((context or click.get_current_context()).meta.get(GIVEN, {}))
    file, asks = given.pop("password_file", None), given.pop("ask_password", False)
    url = _named_by(given)
    if file is None and not asks:
        return None if url is None else passwords.completed(url)
    if url is None:
        url = _named_elsewhere()
    if url is None:
        raise click.UsageError("name the redis of the password, too, as with --redis-url")
    if (file and asks) or passwords.has_password(url):
        raise click.UsageError("there is more than one password; give one")
    return passwords.with_password(url, passwords.from_file(file) if file else _asked())


def _named_by(given: dict[str, Any]) -> str | None:
    """Return the URL that options name, but for the password; None if they name none."""
    url: str | None = given.pop("redis_url", None)
    if not given:
        return url
    flags = ", ".join(f"--{name}" for name in given)
    if url is not None:
        raise click.UsageError(f"--redis-url and {flags} contradict each other; give one of them")
    if not given.keys() & {"uri", "cluster", "cluster_addrs"}:
        _check_that_none_is_named(flags)
    return url_of_flags(given)


def url_of_flags(flags: Mapping[str, Any]) -> str:
    """Return the URL that Go's flags, by their long names, mean.

    Raises:
        click.UsageError: they contradict each other, or mean what we cannot do.
    """
    address: str = flags.get("uri", DEFAULT_ADDRESS)
    if "://" in address:
        others = ", ".join(f"--{name}" for name in flags if name != "uri")
        if others:
            raise click.UsageError(f"--uri is a URL, which says all; leave out {others}")
        return address
    is_cluster = flags.get("cluster", False) or "cluster_addrs" in flags
    if is_cluster:
        address = flags.get("cluster_addrs", DEFAULT_NODES)
    uses_tls = any(flags.get(name) for name in ("tls", "tls_server", "insecure"))
    hosts = {each.rpartition(":")[0] for each in address.split(",")}
    if flags.get("tls_server") and hosts != {flags["tls_server"]}:
        raise click.UsageError(
            "--tls_server must be the host of the address; connect by the name that is in the "
            "certificate, or trust any with --insecure"
        )
    user = quote(flags.get("username", ""), safe="")
    if "password" in flags:
        user += f":{quote(flags['password'], safe='')}"
    scheme = ("rediss" if uses_tls else "redis") + ("-cluster" if is_cluster else "")
    query = "?verify=none" if flags.get("insecure") else ""
    return f"{scheme}://{user}{'@' if user else ''}{address}/{flags.get('db', 0)}{query}"


def remembered(*names: str, type: Any = None, **settings: Any) -> Callable[[F], F]:  # noqa: A002 - click's word
    """Return an option whose value is kept for `given_url`."""

    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
        if value is not None and value is not False:
            context.meta.setdefault(GIVEN, {})[parameter.name] = value

    kind = {"is_flag": True} if type is bool else {"type": type}
    return click.option(*names, **kind, **settings, expose_value=False, callback=remember)


def _asked() -> str:
    """Return the password that the user types, which is not shown."""
    if not sys.stdin.isatty():
        raise click.UsageError("--ask-password needs a terminal; --password-file does not")
    typed: str = click.prompt("Password of Redis", hide_input=True, err=True)
    return typed


def _named_elsewhere() -> str | None:
    from pyasynq.connection.options import named_url  # noqa: PLC0415 - rarely needed

    return named_url()


def _check_that_none_is_named(flags: str) -> None:
    from pyasynq.connection.options import URL_VARIABLE  # noqa: PLC0415 - rarely needed

    if _named_elsewhere():
        raise click.UsageError(
            f"{flags} would not go to the redis that {URL_VARIABLE} or pyproject.toml names; "
            "add --uri, or write a URL"
        )
