"""``pyasynq web``: the REST API of the web UI, which needs the extra ``web``."""

import os
import sys
from typing import Any

import click

from pyasynq.cli.connect import redis_url_option, url_of_flags
from pyasynq.cli.http_address import PortType
from pyasynq.cli.logs import log_options, log_settings, set_up
from pyasynq.cli.web_options import address_of, check_extra, is_open_here, ui_arguments, ui_options
from pyasynq.lifecycle.listening import listener_on


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
    type=PortType(),
    default=8080,
    envvar=["PYASYNQ_WEB_PORT", "PORT"],
    show_default=True,
    show_envvar=True,
    help="Where to listen; 0 for any port that is free.",
)
@ui_options()
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
    hash_password: str | None,
    redis_url: str | None,
    **given: Any,
) -> int:
    """Serve the web UI and its REST API.

    It is that of asynqmon, and more below /api/x. It listens on this machine alone unless --host
    says otherwise, and then somebody must log in.
    SIGTERM and SIGINT stop it at once.
    """
    check_extra("web")
    if hash_password is not None:
        click.echo(_line_of(hash_password))
        return 0
    from pyasynq.web.app import create_app  # noqa: PLC0415 - an extra
    from pyasynq.web.serving import serve  # noqa: PLC0415 - an extra

    with listener_on(host, port) as listener:
        is_open = is_open_here(listener, host, given)
        arguments = ui_arguments(given, is_open_here=is_open)
        app = create_app(redis_url or _named_as_for_asynqmon(), **arguments)
        set_up(log_settings(given))
        url = address_of(listener, host, given["root_path"])
        click.echo(f"pyasynq web: {url} (Ctrl-C stops it)", err=True)
        serve(app, listener)
    return 0


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
