# Generated from redis_details_async.py by tools/unasync.py: change that file.
"""Redis itself."""

from pyasynq.broker.operations import redis_info
from pyasynq.broker.runners.runner import Runner


class RedisDetails:
    """What one Redis reports about itself."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def info(self) -> dict[str, str]:
        """Return the fields of INFO, as text."""
        return self._runner.run(redis_info.redis_info())
