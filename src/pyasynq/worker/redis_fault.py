"""Why a heartbeat did not reach Redis, in a few words that everybody may read.

The text of an error may name hosts, users and files, so nothing of it is repeated but a code of
Redis that is known here.
"""

from pyasynq.errors import ConfigError, IncompatibleRedisError, RedisUnavailableError

ABSENT = "redis does not answer"
REFUSES = "redis refuses this server; its log tells why"
LACKS = "redis refuses what this server needs; its log tells why"
_CODES = {
    "READONLY": "redis is a replica and takes no writes",
    "MISCONF": "redis cannot save its data and takes no writes",
    "NOREPLICAS": "redis has too few replicas and takes no writes",
    "LOADING": "redis is loading its data",
    "MASTERDOWN": "redis is a replica that has lost its master",
    "CLUSTERDOWN": "the redis cluster is down",
    "BUSY ": "redis is busy with a script",
}


def redis_fault(error: BaseException | None) -> str:
    """Return the words for *error*; None stands for nodes of a cluster that do not answer."""
    if isinstance(error, IncompatibleRedisError):
        return LACKS
    if isinstance(error, ConfigError):
        return REFUSES
    if isinstance(error, RedisUnavailableError):
        return next((words for code, words in _CODES.items() if code in error.reason), ABSENT)
    return ABSENT if error is None else LACKS
