# Generated from cancelling_async.py by tools/unasync.py: change that file.
"""Asks all servers to cancel tasks, and tells how many servers that were."""

from collections.abc import Sequence
from typing import Any

from pyasynq.broker.operations import cancel, servers
from pyasynq.clock import redis_now_s
from pyasynq.inspector.calls import Calls


def ask_to_cancel(calls: Calls, task_ids: Sequence[str]) -> list[Any]:
    """Ask every server to cancel these tasks if it runs them; safe to repeat.

    A node of a cluster hands a request on to all others, but counts only the servers that listen to
    itself. So in a cluster the servers count that are alive.

    Returns:
        For each task how many servers received the request, or why it could not be sent.
    """
    namespace = calls.namespace
    heard = calls.run_all([cancel.publish_cancel(each, namespace=namespace) for each in task_ids])
    if not (heard and calls.is_cluster):
        return heard
    now_s = redis_now_s(calls.clock)
    alive = calls.run(servers.list_live("servers", namespace=namespace, now_s=now_s))
    return [max(each, len(alive)) if isinstance(each, int) else each for each in heard]
