"""Recorded cases in which we differ from Go Asynq on purpose: why, and what is left instead.

The expected state is the one recorded after the call, with the named keys changed.
"""

from dataclasses import dataclass, field
from typing import Any

GONE = "gone"  # there is no such key
BEFORE = "before"  # the key is as it was before the call


@dataclass(frozen=True)
class Difference:
    reason: str
    is_refused: bool = False
    changes: dict[bytes, Any] = field(default_factory=dict)


DIFFERENCES = {
    # enqueue/queue name already remembered by the process: no SADD
    2: Difference(
        "every enqueue lists its queue, so a name deleted elsewhere comes back",
        changes={
            b"asynq:queues": ("set", {b"default"}, None),
        },
    ),
    # enqueue/pending key has the wrong type: hash is written, id is lost
    13: Difference(
        "the type of the pending list is checked before anything is written",
        is_refused=True,
        changes={
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # batch/one command fails: the others are done, the call reports (0, error)
    23: Difference(
        "the type of the pending list is checked before anything is written",
        is_refused=True,
        changes={
            b"asynq:{low}:t:t2": GONE,
        },
    ),
    # enqueue_unique/lock free but id exists: the new lock stays behind
    28: Difference(
        "a conflict leaves no lock behind",
        is_refused=True,
        changes={
            b"asynq:{default}:unique:email:welcome:22af645d1859cb5ca6da0c484f1f37ea": GONE,
        },
    ),
    # enqueue_unique/ttl below 1 s becomes EX 0: redis error
    31: Difference(
        "a time to live below a second never reaches the broker; no lock is asked for",
        changes={
            b"asynq:{default}:pending": ("list", [b"t1"], None),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0eREasynq:{default}:unique:email:welcome:3057e53144c19b86d6c7a37d9d8e6a54',
                    b"pending_since": b"2000000000123456789",
                    b"state": b"pending",
                },
                None,
            ),
        },
    ),
    # schedule_unique/lock free but id exists: the new lock stays behind
    45: Difference(
        "a conflict leaves no lock behind",
        is_refused=True,
        changes={
            b"asynq:{default}:unique:email:welcome:22af645d1859cb5ca6da0c484f1f37ea": GONE,
        },
    ),
    # schedule_unique/ttl below 1 s
    46: Difference(
        "a time to live below a second never reaches the broker; no lock is asked for",
        changes={
            b"asynq:{default}:scheduled": ("zset", {b"t1": 2000000000.0}, None),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0eREasynq:{default}:unique:email:welcome:3057e53144c19b86d6c7a37d9d8e6a54',
                    b"process_at_ns": b"2000000000123456789",
                    b"state": b"scheduled",
                },
                None,
            ),
        },
    ),
    # add_to_group_unique/basic: hash gets no unique_key field
    53: Difference(
        "the hash names its lock, so that deleting the task frees it",
        changes={
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"group": b"g1",
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0eREasynq:{default}:unique:email:welcome:3057e53144c19b86d6c7a37d9d8e6a54r\x02g1',
                    b"unique_key": b"asynq:{default}:unique:email:welcome:3057e53144c19b86d6c7a37d9d8e6a54",
                    b"state": b"aggregating",
                },
                None,
            ),
        },
    ),
    # add_to_group_unique/lock key is computed again, unique_key of the message is not used
    54: Difference(
        "the lock is the one the message names, and the hash names it too",
        changes={
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"group": b"g1",
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0eR\x0esomething elser\x02g1',
                    b"unique_key": b"something else",
                    b"state": b"aggregating",
                },
                None,
            ),
            b"asynq:{default}:unique:email:welcome:3057e53144c19b86d6c7a37d9d8e6a54": GONE,
            b"something else": ("string", b"t1", {"in": 60}),
        },
    ),
    # add_to_group_unique/lock free but id exists: the new lock stays behind
    56: Difference(
        "a conflict leaves no lock behind",
        is_refused=True,
        changes={
            b"asynq:{default}:unique:email:welcome:22af645d1859cb5ca6da0c484f1f37ea": GONE,
        },
    ),
    # add_to_group_unique/ttl below 1 s
    57: Difference(
        "a time to live below a second never reaches the broker; no lock is asked for",
        changes={
            b"asynq:{default}:g:g1": ("zset", {b"t1": 2000000000.0}, None),
            b"asynq:{default}:groups": ("set", {b"g1"}, None),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"group": b"g1",
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0eREasynq:{default}:unique:email:welcome:3057e53144c19b86d6c7a37d9d8e6a54r\x02g1',
                    b"state": b"aggregating",
                },
                None,
            ),
        },
    ),
    # dequeue/ghost id: hash with only state is created, no task found
    66: Difference(
        "an id without a task is dropped",
        is_refused=True,
        changes={
            b"asynq:{default}:active": GONE,
            b"asynq:{default}:lease": GONE,
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # dequeue/ghost id in front of a real task: still no task found
    67: Difference(
        "an id without a task is dropped, the next one is taken",
        changes={
            b"asynq:{default}:active": ("list", [b"t2"], None),
            b"asynq:{default}:lease": ("zset", {b"t2": 2000000040.0}, None),
            b"asynq:{default}:pending": GONE,
            b"asynq:{default}:t:t1": GONE,
            b"asynq:{default}:t:t2": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t2"}\x1a\x02t2"\x07default(\x19@\x88\x0e',
                    b"state": b"active",
                    b"owner": b"owner",
                },
                None,
            ),
        },
    ),
    # dequeue/ghost id, next queue has work
    68: Difference(
        "an id without a task is dropped",
        changes={
            b"asynq:{default}:active": GONE,
            b"asynq:{default}:lease": GONE,
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # dequeue/hash without msg but with a result
    69: Difference(
        "an id without a message is dropped with its hash",
        is_refused=True,
        changes={
            b"asynq:{default}:active": GONE,
            b"asynq:{default}:lease": GONE,
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # dequeue/empty msg field: an all-empty message is handed out
    70: Difference(
        "an id with an empty message is dropped with its hash",
        is_refused=True,
        changes={
            b"asynq:{default}:active": GONE,
            b"asynq:{default}:lease": GONE,
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # done/no lease: removed from active, then NOT FOUND
    85: Difference(
        "a task without a lease can be finished by its worker",
        changes={
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # done/hash is missing: removed from active and lease, then NOT FOUND
    86: Difference(
        "a task whose hash is gone is finished all the same; the counters stay",
    ),
    # done/id twice in active: both go
    87: Difference(
        "ids are unique in a sound queue; the cheap removal takes one",
        changes={
            b"asynq:{default}:active": ("list", [b"t1"], None),
        },
    ),
    # done/total at 2^63-512 also becomes 1 (Lua doubles)
    89: Difference(
        "totals are counted in 64 bits",
        changes={
            b"asynq:{default}:processed": ("string", b"9223372036854775297", None),
        },
    ),
    # done/total is not a number: error after the task is gone
    91: Difference(
        "a total that is no number starts again",
        changes={
            b"asynq:{default}:processed": ("string", b"1", None),
        },
    ),
    # complete/no lease
    100: Difference(
        "a task without a lease can be finished by its worker",
        changes={
            b"asynq:{default}:completed": ("zset", {b"t1": 2000000080.0}, None),
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0e`<h\x94\xa8\xd6\xb9\x07',
                    b"state": b"completed",
                },
                None,
            ),
        },
    ),
    # complete/already in completed with the same score: INTERNAL, task in no list
    101: Difference(
        "a task that is in completed already is completed again",
        changes={
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0e`<h\x94\xa8\xd6\xb9\x07',
                    b"state": b"completed",
                },
                None,
            ),
        },
    ),
    # complete/already in completed with another score: score changed, INTERNAL
    102: Difference(
        "a task that is in completed already is completed again",
        changes={
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0e`<h\x94\xa8\xd6\xb9\x07',
                    b"state": b"completed",
                },
                None,
            ),
        },
    ),
    # requeue/no lease: the id is lost
    109: Difference(
        "a task without a lease can be given back by its worker",
        changes={
            b"asynq:{default}:pending": ("list", [b"t1"], None),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19@\x88\x0e',
                    b"state": b"pending",
                },
                None,
            ),
        },
    ),
    # requeue/hash is missing: a ghost is made
    110: Difference(
        "a task whose hash is gone is not given back as a ghost",
        is_refused=True,
        changes={
            b"asynq:{default}:active": BEFORE,
            b"asynq:{default}:lease": BEFORE,
            b"asynq:{default}:pending": GONE,
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # retry/no lease: the id is lost
    121: Difference(
        "a task without a lease can be finished by its worker",
        changes={
            b"asynq:{default}:failed": ("string", b"1", None),
            b"asynq:{default}:failed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:retry": ("zset", {b"t1": 2000000060.0}, None),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x190\x01:\x04boom@\x88\x0eX\x94\xa8\xd6\xb9\x07',
                    b"state": b"retry",
                    b"process_at_ns": b"2000000060123456789",
                },
                None,
            ),
        },
    ),
    # retry/processed total at the maximum: both totals become 1
    123: Difference(
        "each total wraps by itself",
        changes={
            b"asynq:{default}:failed": ("string", b"78", None),
        },
    ),
    # retry/failed total at the maximum: INCR error after everything else
    124: Difference(
        "each total wraps by itself",
        changes={
            b"asynq:{default}:failed": ("string", b"1", None),
        },
    ),
    # archive/no lease: the id is lost
    130: Difference(
        "a task without a lease can be finished by its worker",
        changes={
            b"asynq:{default}:archived": ("zset", {b"t1": 2000000020.0}, None),
            b"asynq:{default}:failed": ("string", b"1", None),
            b"asynq:{default}:failed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19:\x04boom@\x88\x0eX\x94\xa8\xd6\xb9\x07',
                    b"state": b"archived",
                },
                None,
            ),
        },
    ),
    # archive/processed total at the maximum
    131: Difference(
        "each total wraps by itself",
        changes={
            b"asynq:{default}:failed": ("string", b"78", None),
        },
    ),
    # archive/size trim hits the new id itself when all scores are equal: its hash is an orphan
    137: Difference(
        "a trimmed task goes with its hash",
        changes={
            b"asynq:{default}:t:T1": GONE,
        },
    ),
    # archive/age trim of 8000 members: Lua error, half-done state
    139: Difference(
        "the trim is made in bounded steps",
        changes={
            b"asynq:{default}:archived": ("zset", {b"t1": 2000000020.0}, None),
            b"asynq:{default}:failed": ("string", b"1", None),
            b"asynq:{default}:failed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:processed": ("string", b"1", None),
            b"asynq:{default}:processed:2033-05-18": ("string", b"1", {"at": 2007776020}),
            b"asynq:{default}:t:t1": (
                "hash",
                {
                    b"msg": b'\n\remail:welcome\x12\x0b{"id":"t1"}\x1a\x02t1"\x07default(\x19:\x04boom@\x88\x0eX\x94\xa8\xd6\xb9\x07',
                    b"state": b"archived",
                },
                None,
            ),
        },
    ),
    # forward/hash has a group: moved to the group, groups set untouched
    146: Difference(
        "the name of the group is listed, so the aggregator sees it",
        changes={
            b"asynq:{default}:groups": ("set", {b"g1", b"g2"}, None),
        },
    ),
    # forward/ghost id: a hash without msg is made
    149: Difference(
        "an id without a task is dropped",
        changes={
            b"asynq:{default}:pending": GONE,
            b"asynq:{default}:t:s1": GONE,
        },
    ),
    # extend_lease/lease further in the future is shortened
    167: Difference(
        "a lease is never shortened",
        changes={
            b"asynq:{default}:lease": BEFORE,
        },
    ),
    # write_result/no such task: a hash with only a result appears
    172: Difference(
        "a result is written only to a task that is there",
        is_refused=True,
        changes={
            b"asynq:{default}:t:t1": GONE,
        },
    ),
    # delete_expired_completed/batch 0 deletes nothing
    217: Difference(
        "a batch size is validated",
        is_refused=True,
    ),
    # delete_expired_completed/batch -1 deletes all
    218: Difference(
        "a batch size is validated",
        is_refused=True,
        changes={
            b"asynq:{default}:completed": BEFORE,
            b"asynq:{default}:t:c1": BEFORE,
            b"asynq:{default}:t:c2": BEFORE,
            b"asynq:{default}:t:c3": BEFORE,
            b"asynq:{default}:t:c4": BEFORE,
        },
    ),
    # write_server_state/fractional ttl: index entries written, then redis error
    227: Difference(
        "the time to live is whole seconds by construction",
        changes={
            b"asynq:servers:{worker-1:4242:s1}": (
                "string",
                b"\n\x08worker-1\x10\x92!\x1a\x02s1 \n*\x0b\n\x07default\x10\x01:\x06activeB\x0b\x08\xf0\x8b\xd6\xb9\x07\x10\x95\x9a\xef:",
                {"in": 1},
            ),
        },
    ),
    # current_stats/pending_since in the future: negative latency
    283: Difference("a latency is never negative"),
    # current_stats/counters of today and in total
    282: Difference("totals are counted in 64 bits"),
    # get_task_info/negative score
    317: Difference("a negative score is no moment"),
}
