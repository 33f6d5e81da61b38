"""What is sent for an operation, and what becomes of a reply to it. Pure."""

from collections.abc import Callable
from typing import Any

from pyasynq.broker.operation import Operation, Repeat, Script
from pyasynq.broker.runners import redis_errors
from pyasynq.connection.transport.replies import (
    Command,
    Refusal,
    Replication,
    Trouble,
    Unreplicated,
)
from pyasynq.errors import NotReplicatedError, PyasynqError, RedisUnavailableError

FAILURES = frozenset({Refusal, Trouble, Unreplicated})

NOBODY_THERE = (
    "is Redis running there? name another one by its URL or by PYASYNQ_REDIS_URL; "
    "`pyasynq dev` starts one"
)
BEING_MOVED = (
    "a cluster is moving this queue to another node; if that does not end, "
    "`redis-cli --cluster fix` ends it"
)


def command(operation: Operation[Any], *, as_source: bool, guards: bool = False) -> Command:
    """Return the command for an operation.

    Args:
        as_source: send a script whole, not by its digest.
        guards: declare a key to a cluster that keeps a script of a queue from running while the
            slot of the queue is moved.
    """
    call, keys = operation.call, operation.keys
    if not isinstance(call, Script):
        return (*call.split(), *keys, *operation.args)
    if guards and keys:
        keys += _guard(keys[0])
    if as_source:
        return ("EVAL", call.source, len(keys), *keys, *operation.args)
    return ("EVALSHA", call.digest, len(keys), *keys, *operation.args)


def _guard(key: str) -> tuple[str, ...]:
    """Return a key of the same slot that never exists; none for the key of no queue.

    While a slot is moved, a node knows only some of its keys. A script that finds the keys that it
    declares, but not those that it builds, would take a task for gone or a lock for held. One
    declared key that is missing makes the node answer TRYAGAIN before the script begins, so that
    the call waits until the slot has moved.
    """
    tag, is_tagged, _rest = key.partition("}:")
    return (f"{tag}}}:x:guard",) if is_tagged else ()


def is_no_script(reply: Any) -> bool:
    """Return whether the server does not know the script, or no longer."""
    return isinstance(reply, Refusal) and redis_errors.is_no_script(redis_errors.plain_text(reply))


def may_repeat(operation: Operation[Any], reply: Any, *, is_cluster: bool) -> bool:
    """Return whether the call may and should be made again after *reply*."""
    if may_have_happened(reply) and operation.repeat is Repeat.NEVER:
        return False
    if isinstance(reply, Trouble):
        return not _is_wrong_setting(reply)
    if not isinstance(reply, Refusal):
        return False
    text = redis_errors.plain_text(reply)
    return redis_errors.is_passing(text) and (is_cluster or not redis_errors.is_moved(text))


def may_have_happened(reply: Any) -> bool:
    """Return whether Redis may have executed the call, or a part of it."""
    if isinstance(reply, Refusal):
        return redis_errors.is_interrupted(str(reply))
    return isinstance(reply, Trouble) and reply.was_sent


def is_being_moved(reply: Any) -> bool:
    """Return whether a node has refused the call while it gives the slot to another one."""
    return isinstance(reply, Refusal) and str(reply).startswith("TRYAGAIN")


def _is_wrong_setting(reply: Trouble) -> bool:
    """Return whether no connection was made, and none can be."""
    return not reply.was_sent and redis_errors.is_wrong_setting(str(reply))


def answer(
    operation: Operation[Any],
    reply: Any,
    *,
    is_repeated: bool,
    replication: Replication | None = None,
) -> Any:
    """Return the result of an operation, or the exception for a reply that is final.

    Args:
        is_repeated: an earlier call may have happened, too.
        replication: which replicas must have a write; None for none.
    """
    if isinstance(reply, Unreplicated) and replication is not None:
        found = answer(operation, reply.reply, is_repeated=is_repeated)
        return found if isinstance(found, PyasynqError) else _missed(replication, reply, found)
    if isinstance(reply, Trouble):
        if _is_wrong_setting(reply):
            return redis_errors.wrong_setting(redis_errors.plain_text(reply))
        return unavailable(operation, reply, 1, was_sent=reply.was_sent)
    if isinstance(reply, Refusal):
        if may_have_happened(reply):
            return unavailable(operation, redis_errors.plain_text(reply), 1, was_sent=True)
        return redis_errors.refusal(operation, redis_errors.plain_text(reply))
    decode = operation.decode
    if is_repeated and operation.decode_repeated is not None:
        decode = operation.decode_repeated
    return decoded(decode, reply)


def _missed(replication: Replication, reply: Unreplicated, found: Any) -> NotReplicatedError:
    wanted, timeout_s = replication
    return NotReplicatedError(
        replicas=reply.count, wanted=wanted, timeout_s=timeout_s, answer=found
    )


def decoded(decode: Callable[[Any], Any], reply: Any) -> Any:
    """Return what *decode* makes of a reply, or the exception that it raises."""
    try:
        return decode(reply)
    except PyasynqError as error:
        return error


def unavailable(
    operation: Operation[Any], reply: Any, tries: int, *, was_sent: bool
) -> RedisUnavailableError:
    """Return the exception for an operation that was tried in vain.

    Args:
        reply: to the last try.
        was_sent: Redis may have executed one of the tries.
    """
    hint = BEING_MOVED if is_being_moved(reply) else redis_errors.hint(str(reply))
    if not hint and tries > 1 and not was_sent:
        hint = NOBODY_THERE  # a worker, which tries again by itself, knew where Redis is
    return RedisUnavailableError(
        f"redis is not available: {redis_errors.plain_text(reply)}",
        tried=f"{operation.name} was tried {'once' if tries == 1 else f'{tries} times'}",
        may_have_happened=was_sent and operation.is_write,
        hint=hint,
    )
