"""Tells whether Redis answers and servers are alive, for ``pyasynq health``."""

from collections.abc import Sequence
from dataclasses import asdict

from pyasynq.admin.health import Health, health
from pyasynq.admin.rates import counted
from pyasynq.cli.exit_codes import FAILURE, exit_code
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.output import fields_on_screen, print_rows
from pyasynq.clock import SystemClock
from pyasynq.errors import RedisUnavailableError
from pyasynq.inspector import Inspector
from pyasynq.shown import shown


def tell(queues: Sequence[str], redis_url: str | None, output: str) -> int:
    """Print what is found; return the exit code.

    Args:
        queues: each must be served.
    """
    try:
        with inspecting(redis_url) as inspector:
            found = _look(inspector, queues)
    except RedisUnavailableError as error:
        _print(Health(healthy=False, redis=False, problems=[error.reason]), output)
        return exit_code(error)
    _print(found, output)
    return 0 if found.healthy else FAILURE


def _look(inspector: Inspector, queues: Sequence[str]) -> Health:
    clock = SystemClock()
    inspector.queues.list()  # connects, which takes longer
    began = clock.monotonic()
    inspector.queues.list()
    latency = clock.monotonic() - began
    return health(inspector.servers.list(), queues, latency_s=latency)


def _print(found: Health, output: str) -> None:
    row = asdict(found)
    print_rows([row], output, page=lambda: _page(found), document=row)


def _page(found: Health) -> str:
    pairs: list[tuple[str, object]] = [("Healthy", "yes" if found.healthy else "no")]
    if found.latency is not None:
        pairs.append(("Redis", f"answers in {found.latency * 1000:.1f} ms"))
        pairs.append(("Servers", f"{found.servers} alive"))
    pairs += [
        (f"Queue {shown(name)}", f"served by {counted(count, 'server')}")
        for name, count in (found.queues or {}).items()
    ]
    return fields_on_screen([*pairs, *(("Problem", each) for each in found.problems)])
