"""All queues at a glance: sums of their counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

from pyasynq.admin.overview import overview
from pyasynq.inspector.infos import QueueInfo
from pyasynq.task import TaskState


def queue(name: str, **counts: Any) -> QueueInfo:
    values: dict[str, Any] = {
        "memory_usage": None,
        "latency": timedelta(0),
        "is_paused": False,
        "timestamp": datetime(2033, 5, 18, tzinfo=UTC),
        "is_estimated": False,
        "error": "",
    }
    numbers = dict.fromkeys(QueueInfo.__dataclass_fields__.keys() - {*values, "queue"}, 0)
    return QueueInfo(queue=name, **{**values, **numbers, **counts})


def test_the_states_of_all_queues_are_summed():
    found = overview([queue("mail", pending=2, retry=1), queue("low", pending=3)], {})

    assert found.states[TaskState.PENDING] == 5
    assert found.states[TaskState.RETRY] == 1
    assert found.states[TaskState.ACTIVE] == 0


def test_the_error_rate_is_the_share_of_failed_among_processed_tasks():
    found = overview([queue("mail", processed=3, failed=1), queue("low", processed=1)], {})

    assert (found.processed, found.failed, found.error_rate) == (4, 1, 0.25)


def test_without_a_processed_task_there_is_no_error_rate():
    assert overview([queue("mail")], {}).error_rate is None


def test_the_fields_of_redis_are_kept():
    assert overview([], {"redis_version": "7.0.15"}).redis == {"redis_version": "7.0.15"}
