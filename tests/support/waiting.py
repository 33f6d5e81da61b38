"""Looks from outside at servers that wait for a push."""

import contextlib
from collections.abc import Iterator

import redis

SUBCOMMANDS_SINCE = 7  # the major version in which an ACL can take them away


def announced(client: "redis.Redis") -> int:
    """Return of how many keys Redis will announce a change."""
    return int(client.info("stats")["tracking_total_keys"])


def blocked(client: "redis.Redis") -> int:
    """Return how many connections wait for a task."""
    return int(client.info("clients")["blocked_clients"])


def connections(client: "redis.Redis") -> int:
    """Return how many connections wait for a task, or for the announcement of one."""
    found = client.info("clients")
    return int(found["blocked_clients"]) + int(found["tracking_clients"])


@contextlib.contextmanager
def refused(client: "redis.Redis", *commands: str) -> Iterator[None]:
    """Let everybody do without *commands*, as with some proxies and users of an ACL.

    Before Redis 7.0, a subcommand such as "client|tracking" goes with its whole command.
    """
    if int(client.info("server")["redis_version"].partition(".")[0]) < SUBCOMMANDS_SINCE:
        commands = tuple(each.partition("|")[0] for each in commands)
    client.execute_command("ACL", "SETUSER", "default", *(f"-{each}" for each in commands))
    try:
        yield
    finally:
        client.execute_command("ACL", "SETUSER", "default", *(f"+{each}" for each in commands))
