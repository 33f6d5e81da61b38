"""Looks from outside at servers that wait for a push."""

import contextlib
from collections.abc import Iterator

import redis


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
    """Let everybody do without *commands*, as with some proxies and users of an ACL."""
    client.execute_command("ACL", "SETUSER", "default", *(f"-{each}" for each in commands))
    try:
        yield
    finally:
        client.execute_command("ACL", "SETUSER", "default", *(f"+{each}" for each in commands))
