"""Metrics for Prometheus, in a registry of yours: collectors of queues and of workers.

They need the extra ``metrics``. Each name is loaded when it is first used, so that a missing extra
is told in plain words.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyasynq.metrics.queue_collector import QueueCollector
    from pyasynq.metrics.worker_collector import WorkerCollector

__all__ = ["QueueCollector", "WorkerCollector"]

NO_METRICS = "metrics need the extra 'metrics'; pip install 'pyasynq[metrics]' brings it"
MISSING = "pyasynq.metrics needs the extra 'metrics'; run pip install 'pyasynq[metrics]'"

_HOMES = {"QueueCollector": "queue_collector", "WorkerCollector": "worker_collector"}


def has_extra() -> bool:
    """Return whether metrics can be written for Prometheus."""
    return find_spec("prometheus_client") is not None


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'pyasynq.metrics' has no attribute {name!r}")
    if not has_extra():
        raise ImportError(MISSING)
    value = getattr(import_module(f"pyasynq.metrics.{_HOMES[name]}"), name)
    globals()[name] = value  # from now on found without this function
    return value


def __dir__() -> list[str]:
    return __all__
