# Generated from redis_details_async.py by tools/unasync.py: change that file.
"""Redis itself."""

from pyasynq.broker.operations import redis_info
from pyasynq.inspector.calls import Calls


class RedisDetails:
    """What one Redis reports about itself; made by `Inspector`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def info(self) -> dict[str, str]:
        """Return the fields of INFO, as text."""
        return self._calls.run(redis_info.redis_info())

    def cluster_info(self) -> dict[str, str]:
        """Return the fields of CLUSTER INFO, as text.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return self._calls.run_cluster(redis_info.cluster_info())

    def info_text(self) -> str:
        """Return the answer to INFO as Redis writes it."""
        return self._calls.run(redis_info.redis_info_text())

    def cluster_info_text(self) -> str:
        """Return the answer to CLUSTER INFO as a node writes it.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return self._calls.run_cluster(redis_info.cluster_info_text())

    def cluster_nodes_text(self) -> str:
        """Return the answer to CLUSTER NODES as a node writes it: a line for each node.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return self._calls.run_cluster(redis_info.cluster_nodes_text())
