"""``pyasynq web``: the REST API of the web UI, which needs the extra ``web``."""

import os
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import click

from pyasynq.cli.connect import redis_url_option, url_of_flags
from pyasynq.cli.logs import log_options, log_settings, set_up

if TYPE_CHECKING:
    from pyasynq.web import WebApp

MISSING = "web needs the extra 'web'; `pip install 'pyasynq[web]'` brings it"
OPEN_TO_ALL = (
    "everybody who reaches {host} could read and change everything; give --auth-file or "
    "--proxy-header, or --insecure-no-auth if something else keeps others away"
)
ROLES = ("none", "read", "operate", "admin")


@click.command("web")
@click.option(
    "--host",
    default="127.0.0.1",
    envvar="PYASYNQ_WEB_HOST",
    show_default=True,
    show_envvar=True,
    help="Where to listen; 0.0.0.0 for everywhere.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8080,
    envvar=["PYASYNQ_WEB_PORT", "PORT"],
    show_default=True,
    show_envvar=True,
    help="Where to listen; 0 for any port that is free.",
)
@click.option(
    "--root-path",
    default="",
    envvar="PYASYNQ_WEB_ROOT_PATH",
    show_envvar=True,
    metavar="PATH",
    help="Where a proxy shows it, such as /tasks; the proxy may take that off or not.",
)
@click.option(
    "--read-only",
    is_flag=True,
    envvar=["PYASYNQ_WEB_READ_ONLY", "READ_ONLY"],
    show_envvar=True,
    help="Nobody may change anything.",
)
@click.option(
    "--auth-file",
    metavar="FILE",
    envvar="PYASYNQ_WEB_AUTH_FILE",
    show_envvar=True,
    help="Users: a line NAME:HASH or NAME:HASH:ROLE for each; --hash-password makes it.",
)
@click.option(
    "--proxy-header",
    metavar="NAME",
    envvar="PYASYNQ_WEB_PROXY_HEADER",
    show_envvar=True,
    help="A header in which a proxy tells who has logged in there, such as X-Forwarded-User.",
)
@click.option(
    "--trusted-proxy",
    "trusted",
    metavar="ADDRESS",
    multiple=True,
    envvar="PYASYNQ_WEB_TRUSTED_PROXIES",
    show_envvar=True,
    help="An address or a network of that proxy; may be given again. Nobody else is believed.",
)
@click.option(
    "--access",
    type=click.Choice(ROLES),
    default="admin",
    envvar="PYASYNQ_WEB_ACCESS",
    show_default=True,
    show_envvar=True,
    help="What those may do who have no role of their own.",
)
@click.option(
    "--insecure-no-auth",
    is_flag=True,
    help="Let other machines in although nobody has to log in.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="What it is called in a browser; may be given again. Default: anything, but localhost "
    "if nobody has to log in.",
)
@click.option(
    "--redact", is_flag=True, help="Hide passwords, tokens and the like in payloads and errors."
)
@click.option(
    "--max-payload-length",
    type=click.IntRange(0),
    default=200,
    envvar=["PYASYNQ_WEB_MAX_PAYLOAD_LENGTH", "MAX_PAYLOAD_LENGTH"],
    show_default=True,
    help="Characters of a payload that the routes of asynqmon show.",
)
@click.option(
    "--max-result-length",
    type=click.IntRange(0),
    default=200,
    envvar=["PYASYNQ_WEB_MAX_RESULT_LENGTH", "MAX_RESULT_LENGTH"],
    show_default=True,
    help="Characters of a result that the routes of asynqmon show.",
)
@click.option(
    "--prometheus-addr",
    metavar="URL",
    default="",
    envvar=["PYASYNQ_WEB_PROMETHEUS_ADDR", "PROMETHEUS_ADDR"],
    show_envvar=True,
    help="Where Prometheus is, such as http://127.0.0.1:9090, for the metrics.",
)
@click.option(
    "--hash-password",
    metavar="NAME",
    help="Ask for the password of a user, print the line for --auth-file, and end.",
)
@log_options
@redis_url_option
def command(
    *,
    host: str,
    port: int,
    insecure_no_auth: bool,
    hash_password: str | None,
    redis_url: str | None,
    **given: Any,
) -> int:
    """Serve the REST API of the web UI.

    It is that of asynqmon, and more below /api/x. It listens on this machine alone unless --host
    says otherwise, and then somebody must log in.
    SIGTERM and SIGINT stop it at once.
    """
    if any(find_spec(each) is None for each in ("jinja2", "starlette", "uvicorn")):
        raise click.ClickException(MISSING)
    if hash_password is not None:
        click.echo(_line_of(hash_password))
        return 0
    from pyasynq.web.serving import is_loopback, listener_on, serve  # noqa: PLC0415 - an extra

    has_login = bool(given["auth_file"] or given["proxy_header"])
    with listener_on(host, port) as listener:
        is_local = is_loopback(listener)
        if not (is_local or has_login or insecure_no_auth):
            raise click.UsageError(OPEN_TO_ALL.format(host=host))
        app = _app(redis_url, given, is_unguarded=is_local and not has_login)
        set_up(log_settings(given))
        address = f"[{host}]" if ":" in host else host
        port = listener.getsockname()[1]
        root = given["root_path"].rstrip("/")
        click.echo(f"pyasynq web: http://{address}:{port}{root}/ (Ctrl-C stops it)", err=True)
        serve(app, listener)
    return 0


def _app(redis_url: str | None, given: dict[str, Any], *, is_unguarded: bool) -> "WebApp":
    """Return the application that the options mean.

    Args:
        redis_url: where Redis is.
        given: the options.
        is_unguarded: whether whoever can make a browser of this machine ask is let in.
    """
    from pyasynq.admin.redaction import SecretWords  # noqa: PLC0415 - rarely needed
    from pyasynq.web import create_app  # noqa: PLC0415 - an extra
    from pyasynq.web.security import LOOPBACK_HOSTS  # noqa: PLC0415 - as above

    auth, access = _login(given)
    redis_url = redis_url or _named_as_for_asynqmon()
    hosts = [*given["allowed_hosts"], *(LOOPBACK_HOSTS if is_unguarded else ())]
    return create_app(
        redis_url,
        root_path=given["root_path"],
        read_only=given["read_only"],
        auth=auth,
        access=access,
        allowed_hosts=hosts,
        max_payload_length=given["max_payload_length"],
        max_result_length=given["max_result_length"],
        redactor=SecretWords() if given["redact"] else None,
        prometheus_url=given["prometheus_addr"],
    )


def _named_as_for_asynqmon() -> str | None:
    """Return the URL of the Redis that the environment variables of asynqmon name.

    They count if nothing of ours names one. asynqmon v0.7.2 cmd/asynqmon/main.go: nodes of a
    cluster count more than a URL, and that more than an address.
    """
    from pyasynq.connection.options import named_url  # noqa: PLC0415 - only this command needs it

    if named_url():
        return None
    found = {
        name: os.environ[variable]
        for name, variable in (
            ("cluster_addrs", "REDIS_CLUSTER_NODES"),
            ("uri", "REDIS_ADDR"),
            ("password", "REDIS_PASSWORD"),
            ("db", "REDIS_DB"),
        )
        if os.environ.get(variable)
    }
    if "cluster_addrs" in found:
        found.pop("db", None)
    elif url := os.environ.get("REDIS_URL"):
        return url
    return url_of_flags(found) if found.keys() & {"cluster_addrs", "uri"} else None


def _login(given: dict[str, Any]) -> tuple[Any, Any]:
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


def _line_of(name: str) -> str:
    """Ask for a password; return the line of its user."""
    from pyasynq.web import hash_password  # noqa: PLC0415 - an extra

    if not name or ":" in name:
        raise click.BadParameter("a name without a colon", param_hint="--hash-password")
    if sys.stdin.isatty():
        typed = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    return f"{name}:{hash_password(typed)}"
