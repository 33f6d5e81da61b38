"""One command finds out which queues have tasks."""

from pyasynq.wire.keys import queue_keys
from pyasynq.worker.queue_probe import QueueProbe


def pending_of(keys):
    return (keys.pending,)


async def test_all_queues_are_visited_when_one_has_something(runner, redis_client):
    queues = [queue_keys("a"), queue_keys("b")]
    probe = QueueProbe(runner, queues, pending_of, is_cluster=False)

    assert list(await probe.queues()) == []
    redis_client.lpush(queues[1].pending, "task")
    assert list(await probe.queues()) == queues


async def test_in_a_cluster_no_command_asks_for_keys_of_several_slots(runner, commands):
    queues = [queue_keys("a"), queue_keys("b")]

    assert list(await QueueProbe(runner, queues, pending_of, is_cluster=True).queues()) == queues
    assert "exists" not in commands.sent()


async def test_where_nobody_may_ask_all_queues_are_visited(runner, redis_client):
    queues = [queue_keys("a")]
    probe = QueueProbe(runner, queues, pending_of, is_cluster=False)
    redis_client.execute_command("ACL", "SETUSER", "default", "-exists")
    try:
        assert list(await probe.queues()) == queues
    finally:
        redis_client.execute_command("ACL", "SETUSER", "default", "+exists")
    assert list(await probe.queues()) == queues  # it does not ask again
