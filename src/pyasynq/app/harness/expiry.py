"""Lets what expires in the Redis of a test expire by the clock of the test.

Redis expires keys by its own clock: unique locks, the counters of a day, and whatever a test sets
itself. Here such a key is made permanent, and deleted when the test's clock comes to its end. What
a janitor deletes, completed tasks after their retention and old archived ones, goes as well.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from pyasynq.answers import raise_first
from pyasynq.app.harness.places import KEYS_PER_ROUND_TRIP, Place
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import maintain
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import FakeClock, redis_now_s
from pyasynq.options import to_seconds
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig

if TYPE_CHECKING:
    import redis

TASKS_PER_CALL = 100
MILLISECOND_NS = 1_000_000


class Expiry:
    """Whatever expires in one Redis.

    Args:
        place: whose keys they are.
        client: looks at all keys.
        runner: cleans up queues.
        clock: the clock of the test, which stands still until it is moved.
    """

    def __init__(
        self,
        place: Place,
        client: "redis.Redis",
        runner: Runner,
        clock: FakeClock,
        config: ServerConfig,
    ) -> None:
        self._place = place
        self._client = client
        self._runner = runner
        self._clock = clock
        self._config = config
        self._ends_ns: dict[bytes, int] = {}

    def hold(self) -> None:
        """Make the keys permanent that Redis would expire, and remember when they end.

        Call it before the clock moves: what is left of a key counts from the time it shows.
        """
        found: Any = self._client.info("keyspace")
        if not any(database["expires"] for database in found.values()):
            return
        now_ns = self._clock.now_ns()
        keys = list(self._place.keys(self._client))
        for start in range(0, len(keys), KEYS_PER_ROUND_TRIP):
            batch = keys[start : start + KEYS_PER_ROUND_TRIP]
            for key, left_ms in self._made_permanent(batch):
                self._ends_ns[key] = now_ns + _given_ms(key, left_ms) * MILLISECOND_NS

    def remaining_s(self, key: str) -> float | None:
        """Return for how many seconds a key still exists; None if it does not expire."""
        end_ns = self._ends_ns.get(key.encode())
        return None if end_ns is None else (end_ns - self._clock.now_ns()) / 1e9

    def expire(self) -> None:
        """Delete all that is over by now."""
        now_ns = self._clock.now_ns()
        over = [key for key, end_ns in self._ends_ns.items() if end_ns <= now_ns]
        for key in over:
            del self._ends_ns[key]
        if over:
            self._client.delete(*over)
        operations = list(self._clean_ups())
        while operations:
            answers = self._runner.run_all(operations)
            raise_first(answers)
            done = zip(operations, answers, strict=True)
            operations = [each for each, count in done if count >= TASKS_PER_CALL]

    def _made_permanent(self, keys: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
        """Make *keys* permanent; yield those that were not, with the milliseconds they had left."""
        with self._client.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.pttl(key)
                pipeline.persist(key)
            answers = pipeline.execute()
        for key, left_ms in zip(keys, answers[::2], strict=True):
            if left_ms >= 0:
                yield key, left_ms

    def _clean_ups(self) -> Iterable[Operation[int]]:
        now_s = redis_now_s(self._clock)
        for queue in self._config.queues:
            keys = queue_keys(queue, self._place.namespace)
            yield maintain.delete_expired_completed(keys, now_s=now_s, limit=TASKS_PER_CALL)
            yield maintain.trim_archive(
                keys,
                now_s=now_s,
                max_size=self._config.archive_max_size,
                max_age_s=int(to_seconds(self._config.archive_max_age)),
                limit=TASKS_PER_CALL,
            )


def _given_ms(key: bytes, left_ms: int) -> int:
    """Return for how long a key was to exist: a lock counts whole seconds, less what has passed."""
    return -(-left_ms // 1000) * 1000 if b":unique:" in key else left_ms
