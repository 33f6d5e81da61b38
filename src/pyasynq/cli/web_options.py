"""The options that say what the web UI shows, where a proxy shows it, and who may come in."""

import socket
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, TypeVar

import click

from pyasynq.errors import ConfigError

F = TypeVar("F", bound=Callable[..., Any])

MISSING = "{what} needs the extra 'web'; `pip install 'pyasynq[web]'` brings it"
OPEN_TO_ALL = (
    "everybody who reaches {host} could read and change everything; give --auth-file or "
    "--proxy-header, or --insecure-no-auth if something else keeps others away"
)
ROLES = ("none", "read", "operate", "admin")

_OPTIONS = (
    partial(
        click.option,
        "--root-path",
        default="",
        envvar="PYASYNQ_WEB_ROOT_PATH",
        show_envvar=True,
        metavar="PATH",
        help="Where a proxy shows it, such as /tasks; the proxy may take that off or not.",
    ),
    partial(
        click.option,
        "--read-only",
        is_flag=True,
        envvar=["PYASYNQ_WEB_READ_ONLY", "READ_ONLY"],
        show_envvar=True,
        help="Nobody may change anything.",
    ),
    partial(
        click.option,
        "--auth-file",
        metavar="FILE",
        envvar="PYASYNQ_WEB_AUTH_FILE",
        show_envvar=True,
        help="Users: a line NAME:HASH or NAME:HASH:ROLE for each; --hash-password makes it.",
    ),
    partial(
        click.option,
        "--proxy-header",
        metavar="NAME",
        envvar="PYASYNQ_WEB_PROXY_HEADER",
        show_envvar=True,
        help="A header in which a proxy tells who has logged in there, such as X-Forwarded-User.",
    ),
    partial(
        click.option,
        "--trusted-proxy",
        "trusted",
        metavar="ADDRESS",
        multiple=True,
        envvar="PYASYNQ_WEB_TRUSTED_PROXIES",
        show_envvar=True,
        help="An address or a network of that proxy; may be given again. Nobody else is believed.",
    ),
    partial(
        click.option,
        "--access",
        type=click.Choice(ROLES),
        default="admin",
        envvar="PYASYNQ_WEB_ACCESS",
        show_default=True,
        show_envvar=True,
        help="What those may do who have no role of their own.",
    ),
    partial(
        click.option,
        "--insecure-no-auth",
        is_flag=True,
        help="Let other machines in although nobody has to log in.",
    ),
    partial(
        click.option,
        "--allowed-host",
        "allowed_hosts",
        metavar="NAME",
        multiple=True,
        help="What it is called in a browser; may be given again. Default: anything, but localhost "
        "if nobody has to log in.",
    ),
    partial(
        click.option,
        "--redact",
        is_flag=True,
        help="Hide passwords, tokens and the like in payloads and errors.",
    ),
    partial(
        click.option,
        "--max-payload-length",
        type=click.IntRange(0),
        default=200,
        envvar=["PYASYNQ_WEB_MAX_PAYLOAD_LENGTH", "MAX_PAYLOAD_LENGTH"],
        show_default=True,
        help="Characters of a payload that the routes of asynqmon show.",
    ),
    partial(
        click.option,
        "--max-result-length",
        type=click.IntRange(0),
        default=200,
        envvar=["PYASYNQ_WEB_MAX_RESULT_LENGTH", "MAX_RESULT_LENGTH"],
        show_default=True,
        help="Characters of a result that the routes of asynqmon show.",
    ),
    partial(
        click.option,
        "--prometheus-addr",
        metavar="URL",
        default="",
        envvar=["PYASYNQ_WEB_PROMETHEUS_ADDR", "PROMETHEUS_ADDR"],
        show_envvar=True,
        help="Where Prometheus is, such as http://127.0.0.1:9090, for the metrics.",
    ),
    partial(
        click.option,
        "--metrics/--no-metrics",
        "--enable-metrics-exporter/ ",
        "metrics",
        default=True,
        envvar=["PYASYNQ_WEB_METRICS", "ENABLE_METRICS_EXPORTER"],
        show_envvar=True,
        help="Whether Prometheus may read queues at /metrics; as asynqmon's flag.",
    ),
    partial(
        click.option,
        "--title",
        metavar="TEXT",
        default="pyasynq",
        envvar="PYASYNQ_WEB_TITLE",
        show_envvar=True,
        help="The name that pages show.",
    ),
    partial(
        click.option,
        "--badge",
        metavar="TEXT",
        default="",
        envvar="PYASYNQ_WEB_BADGE",
        show_envvar=True,
        help="What it is the web UI of, such as production; pages show it beside the name.",
    ),
    partial(
        click.option,
        "--bulk-limit",
        type=click.IntRange(1),
        envvar="PYASYNQ_WEB_BULK_LIMIT",
        show_envvar=True,
        help="How many tasks one job may change. Default: any number.",
    ),
    partial(
        click.option,
        "--enqueue",
        is_flag=True,
        envvar="PYASYNQ_WEB_ENQUEUE",
        show_envvar=True,
        help="Let those with the role admin enqueue tasks.",
    ),
)


def ui_options(*, hidden: bool = False) -> Callable[[F], F]:
    """Return what adds the options; `ui_arguments` and `is_open_here` read them.

    Args:
        hidden: whether help leaves them out, where they are not what a command is about.
    """

    def add(function: F) -> F:
        for option in reversed(_OPTIONS):
            function = option(hidden=hidden)(function)
        return function

    return add


def has_extra() -> bool:
    """Return whether the web UI can be served."""
    return all(find_spec(each) is not None for each in ("jinja2", "starlette", "uvicorn"))


def check_extra(what: str) -> None:
    """Check that the web UI can be served.

    Raises:
        click.ClickException: *what* needs an extra that is not installed.
    """
    if not has_extra():
        raise click.ClickException(MISSING.format(what=what))


def is_open_here(listener: socket.socket, host: str, given: Mapping[str, Any]) -> bool:
    """Return whether every program of this machine, and nobody else, comes in without a login.

    Args:
        listener: where the web UI will be.
        host: as it was given; empty for everywhere.
        given: the options.

    Raises:
        click.UsageError: other machines would come in without a login, and nobody has said that
            they may.
    """
    from pyasynq.web.serving import is_loopback  # noqa: PLC0415 - an extra

    if given["auth_file"] or given["proxy_header"]:
        return False
    is_local = is_loopback(listener)
    if not (is_local or given["insecure_no_auth"]):
        raise click.UsageError(OPEN_TO_ALL.format(host=host or "this machine"))
    return is_local


def address_of(listener: socket.socket, host: str, root_path: str = "") -> str:
    """Return the URL of the page; *host* as it was given, empty for everywhere."""
    host = host or "0.0.0.0"  # noqa: S104 - shown to people
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{listener.getsockname()[1]}{root_path.rstrip('/')}/"


def ui_arguments(given: Mapping[str, Any], *, is_open_here: bool) -> Mapping[str, Any]:
    """Return the arguments of `create_app` that the options mean, but for where Redis is.

    Args:
        given: the options.
        is_open_here: what `is_open_here` has returned: names of other machines are refused then.

    Raises:
        click.UsageError: options contradict each other.
        ConfigError: names everything that is wrong.
    """
    from pyasynq.admin.redaction import SecretWords  # noqa: PLC0415 - rarely needed
    from pyasynq.web.security import LOOPBACK_HOSTS  # noqa: PLC0415 - an extra
    from pyasynq.web.settings import WebSettings  # noqa: PLC0415 - as above

    auth, access = _login(given)
    arguments: dict[str, Any] = {
        "root_path": given["root_path"],
        "read_only": given["read_only"],
        "auth": auth,
        "access": access,
        "allowed_hosts": [*given["allowed_hosts"], *(LOOPBACK_HOSTS if is_open_here else ())],
        "max_payload_length": given["max_payload_length"],
        "max_result_length": given["max_result_length"],
        "redactor": SecretWords() if given["redact"] else None,
        "prometheus_url": given["prometheus_addr"],
        "metrics": given["metrics"],
        "title": given["title"],
        "badge": given["badge"],
        "bulk_limit": given["bulk_limit"],
        "enqueue_enabled": given["enqueue"],
    }
    ConfigError.raise_if(filter(None, WebSettings(**arguments).faults()))
    return arguments


def _login(given: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return how somebody logs in, and what they may do then."""
    from pyasynq.web import BasicAuth, ProxyHeader  # noqa: PLC0415 - an extra
    from pyasynq.web.access.user_file import read_users  # noqa: PLC0415 - as above

    file, header, access = given["auth_file"], given["proxy_header"], given["access"]
    if file and header:
        raise click.UsageError("--auth-file and --proxy-header contradict each other")
    if bool(header) != bool(given["trusted"]):
        raise click.UsageError("--proxy-header and --trusted-proxy belong together")
    if file:
        users = read_users(file)
        return BasicAuth(users.hashes), dict.fromkeys(users.hashes, access) | users.roles
    if header:
        return ProxyHeader(header, trusted=given["trusted"]), access
    return None, access
