"""The transactions that are open where somebody enqueues, and what happens once all of them end.

A database has one connection in each thread. What a `TestCase` of Django puts around each test is
no transaction of the application.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from asgiref.sync import AsyncToSync
from django.db import connections

OnCommit = bool | Sequence[str]
"""Whether an enqueue waits for the commit: of any database, or only of those that are named."""


def open_transactions(on_commit: OnCommit) -> list[Any]:
    """Return the connections of this thread that are inside of ``atomic``."""
    if on_commit is False:
        return []
    return [
        each
        for each in connections.all(initialized_only=True)
        if each.in_atomic_block
        and (on_commit is True or each.alias in on_commit)
        and not all(getattr(block, "_from_testcase", False) for block in each.atomic_blocks)
    ]


def may_have_transactions() -> bool:
    """Whether a thread that may be inside of ``atomic`` waits for the coroutine that runs here.

    Django has no transactions in coroutines, so they are inside of one only if they are called
    through `async_to_sync`.
    """
    executors, loops = AsyncToSync.executors, AsyncToSync.loop_thread_executors
    return getattr(executors, "current", None) is not None or asyncio.get_running_loop() in loops


class Waiting:
    """A hook of the commit of several transactions, which calls a function once, at the last."""

    def __init__(self, count: int, function: Callable[[], object]) -> None:
        self._left = count
        self._function = function

    def __call__(self) -> None:
        """Note that a transaction is committed."""
        self._left -= 1
        if not self._left:
            self._function()


def when_all_commit(
    transactions: Sequence[Any], function: Callable[[], object], *, robust: bool
) -> None:
    """Call *function* once all of *transactions* are committed; never if one is rolled back.

    Args:
        transactions: connections of this thread, of which each is inside of ``atomic``.
        robust: an exception is logged by Django and does not reach who commits.
    """
    hook = Waiting(len(transactions), function)
    for each in transactions:
        each.on_commit(hook, robust=robust)


def commit_of_test() -> bool:
    """Call the hooks that wait for commits which the transaction of a test keeps from happening.

    Returns:
        Whether there were any. None is called while a transaction of the application is open.
    """
    found = False
    if open_transactions(on_commit=True):
        return found
    for each in connections.all(initialized_only=True):
        hooks = [hook for _savepoints, hook, _robust in each.run_on_commit]
        each.run_on_commit = [kept for kept in each.run_on_commit if not _is_ours(kept)]
        for hook in hooks:
            if isinstance(hook, Waiting):
                found = True
                hook()
    return found


def _is_ours(entry: Any) -> bool:
    return isinstance(entry[1], Waiting)
