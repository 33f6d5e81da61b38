"""Knows which queues are empty, and learns at once when a task is pushed to one of them.

A queue whose pending list did not exist when Redis was asked for it is empty until Redis announces
a change of that key. One connection to each node does that for any number of queues, for producers
in every language, and for tasks that become due.
"""

import asyncio
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

from redis.asyncio import ConnectionPool

from pyasynq.broker.runners import redis_errors
from pyasynq.broker.scripts import load
from pyasynq.connection.transport.cluster_async import AsyncCluster
from pyasynq.connection.transport.replies import Command, Refusal
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.shutdown import cancel_all
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.fetch.tracked_node import NoTrackingError, TrackedNode
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.processor")

CHECK_S = 5.0  # how often a node is asked whether what is known is still true
NOBODY = ""  # is no server, so to remove it does nothing, but a replica refuses that
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0  # without tracking, after it was refused
REST_S = 1.0  # for which the queues of a node of a cluster that does not answer are polled
SLACK_S = 0.05  # a timer may come a little early
PROMPT_S = 0.2  # for so long the questions to other nodes wait for one that does not answer


class EmptyQueues:
    """The queues that are known to be empty.

    Args:
        known_for_s: what was found stays known for this long; then a fetch asks again.

    Attributes:
        known: for each such queue, until when; in the time of the monotonic clock.
    """

    def __init__(self, resources: ServerResources, *, known_for_s: float) -> None:
        self._client = resources.connector.open_async()
        self._is_cluster = resources.connector.is_cluster
        self._clock, self._changed = resources.clock, resources.changed
        self._known_for_s = known_for_s
        self._keys = {each.queue: each for each in resources.queues}
        self._queues = {_encoded(each.pending): each.queue for each in resources.queues}
        self._nodes: dict[ConnectionPool, TrackedNode] = {}
        self._node_of: dict[str, TrackedNode] = {}  # by queue, of those that were asked for
        self._resting: dict[str, float] = {}  # by queue, until when it is polled; monotonic
        self._late: dict[TrackedNode, asyncio.Task[None]] = {}  # nodes that have not answered yet
        self._asked: set[str] = set()  # soon
        self._ask_soon = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle
        self._is_check_due = False
        self._backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S, random=resources.random)
        self._not_before = 0.0  # monotonic
        self.known: dict[str, float] = {}

    @property
    def is_possible(self) -> bool:
        """Whether Redis can be asked to announce changes."""
        return self._clock.monotonic() >= self._not_before

    def track(self, queues: Iterable[QueueKeys]) -> None:
        """Take *queues* for empty, as they were a moment ago, until Redis says otherwise."""
        new = [each.queue for each in queues if each.queue not in self.known]
        if self._resting:
            now = self._clock.monotonic()
            self._resting = {each: until for each, until in self._resting.items() if until > now}
            new = [each for each in new if each not in self._resting]
        if not new:
            return
        self._asked.update(new)
        self.known.update(dict.fromkeys(new, self._clock.monotonic() + self._known_for_s))
        self._ask_soon.set()
        if self._work is None:
            self._work = asyncio.create_task(self._ask_and_check(), name="pyasynq wake-up")

    async def close(self) -> None:
        """Forget everything, and close the connections."""
        if self._work is not None:
            await cancel_all(self._work, *self._late.values())
        for node in self._nodes.values():
            await node.close()
        await self._client.aclose()

    async def _ask_and_check(self) -> None:
        self._check_later()
        try:
            while True:
                await self._ask_soon.wait()
                self._ask_soon.clear()
                asked, self._asked = self._asked, set()
                if asked:
                    await self._ask(asked)
                if self._is_check_due:
                    await self._check()
                    self._check_later()
        finally:
            self._work = None
            self._timer.cancel()
            self._pause(LONGEST_PAUSE_S, "nobody asks any more")

    def _check_later(self) -> None:
        self._is_check_due = False
        self._timer = asyncio.get_running_loop().call_later(CHECK_S, self._check_soon)

    def _check_soon(self) -> None:
        self._is_check_due = True
        self._ask_soon.set()

    async def _ask(self, queues: Iterable[str]) -> None:
        """Let the nodes say whether *queues* are still empty, and announce when they are not."""
        asked: dict[TrackedNode, list[str]] = {}
        for queue in queues:
            node = await self._find_node(queue)
            if node is None:
                return
            self._node_of[queue] = node
            asked.setdefault(node, []).append(queue)
        asking = {
            node: asyncio.create_task(self._ask_node(node, mine), name="pyasynq wake-up of a node")
            for node, mine in asked.items()
            if not self._is_late(node, mine)
        }
        if asking:
            await asyncio.wait(asking.values(), timeout=PROMPT_S if self._is_cluster else None)
        for node, task in asking.items():
            if task.done():
                task.result()
            else:
                self._late[node] = task
                self._rest(asked[node])

    async def _ask_node(self, node: TrackedNode, queues: Sequence[str]) -> None:
        self._forget(await self._filled(node, queues))

    def _is_late(self, node: TrackedNode, queues: Iterable[str]) -> bool:
        """Return whether a node still owes an answer; then *queues* are polled for a while."""
        late = self._late.get(node)
        if late is not None and late.done():
            del self._late[node]
        if node in self._late:
            self._rest(queues)
        return node in self._late

    async def _check(self) -> None:
        """Forget what is too old, and make sure that changes of the rest would be announced."""
        now = self._clock.monotonic()
        self._forget([queue for queue, until in self.known.items() if until <= now])
        checks = []
        for node in list(self._nodes.values()):
            announced = {
                queue: until
                for queue, until in self.known.items()
                if self._node_of.get(queue) is node and queue not in self._asked
            }
            if announced:
                checks.append(self._check_node(node, announced))
        await asyncio.gather(*checks)
        await self._drop_gone()

    async def _check_node(self, node: TrackedNode, announced: Mapping[str, float]) -> None:
        """Make sure that changes of queues would be announced.

        Args:
            announced: what was known of them when the check began. One that was forgotten and
                taken for empty again meanwhile is known until another time.
        """
        keys = [self._keys[queue] for queue in announced]
        pending = [each.pending for each in keys]
        # A replica of a cluster answers neither; another one would answer a question.
        questions: list[Command] = (
            [_exists_any(pending)]
            if self._is_cluster
            else [("EXISTS", *pending), ("ZREM", keys[0].waiters, NOBODY)]
        )
        answers = await self._answers(node, questions)
        if answers and answers[0] and announced.items() <= self.known.items():
            self._pause(LONGEST_PAUSE_S, "a change was not announced")
        elif answers:
            self._backoff.reset()  # not before: what works at first may be refused at once again
        for queue in announced:
            if await self._find_node(queue) is not node:
                self._forget([queue])  # its slot has moved

    async def _filled(self, node: TrackedNode, queues: Sequence[str]) -> Collection[str]:
        """Return those of *queues* that may have tasks."""
        pending = [self._keys[queue].pending for queue in queues]
        if not self._is_cluster:
            answers = await self._answers(node, [("EXISTS", *pending)])
            return queues if any(answers) else ()
        answers = await self._answers(node, [("EXISTS", key) for key in pending])
        return [queue for queue, is_filled in zip(queues, answers, strict=False) if is_filled]

    async def _answers(self, node: TrackedNode, questions: Sequence[Command]) -> Sequence[bool]:
        """Return what a node answers; nothing, and forget its queues, if it cannot be asked."""
        try:
            answers = await node.ask(questions)
        except NoTrackingError as error:
            if isinstance(self._client, AsyncCluster):
                self._note_failure(self._client, node, error)
            self._on_change(node, None)
            if not error.was_tracking and not (self._is_cluster and _is_of_node(error)):
                self._pause(self._backoff.next_s(), error)
            return ()
        return answers

    def _note_failure(
        self, cluster: AsyncCluster, node: TrackedNode, error: NoTrackingError
    ) -> None:
        """Let the next question go to another node; what only this one refuses is polled."""
        address, reply = cluster.address_of(node.pool), error.reply
        redirect = cluster.slots.redirect(address, reply) if isinstance(reply, Refusal) else None
        if not isinstance(reply, Refusal):
            cluster.slots.failed(address)
        if redirect is None or redirect.is_for_now:
            self._rest([queue for queue, each in self._node_of.items() if each is node])

    async def _drop_gone(self) -> None:
        """Close the connections to nodes that have left the cluster."""
        client = self._client
        if not isinstance(client, AsyncCluster):
            return
        for pool, node in list(self._nodes.items()):
            if not client.slots.is_used(client.address_of(pool)):
                del self._nodes[pool]
                await node.close()
        await client.drop_gone()

    def _rest(self, queues: Iterable[str]) -> None:
        """Let *queues* be polled for a while."""
        queues = list(queues)
        self._resting |= dict.fromkeys(queues, self._clock.monotonic() + REST_S)
        self._forget(queues)
        # Only a fetch lets them be tracked again, and an idle server makes none by itself.
        asyncio.get_running_loop().call_later(REST_S + SLACK_S, self._changed.set)

    async def _find_node(self, queue: str) -> TrackedNode | None:
        """Return the node that serves *queue*; None, and forget everything, if there is none."""
        client = self._client
        try:
            if isinstance(client, AsyncCluster):
                pool = await client.pool_of(self._keys[queue].pending)
            else:
                pool = client.connection_pool
        except Exception as error:  # noqa: BLE001 - no node can be reached, whatever the reason
            self._pause(self._backoff.next_s(), error)
            return None
        if pool not in self._nodes:
            self._nodes[pool] = TrackedNode(pool, self._on_change)
        return self._nodes[pool]

    def _on_change(self, node: TrackedNode, keys: Collection[bytes] | None) -> None:
        if keys is None:
            self._forget([queue for queue, each in self._node_of.items() if each is node])
        else:
            self._forget(self._queues[key] for key in keys if key in self._queues)

    def _pause(self, pause_s: float, reason: object) -> None:
        """Do without announcements for a while."""
        logger.debug("no announcements of new tasks for %.1f s: %s", pause_s, reason)
        self._not_before = self._clock.monotonic() + pause_s
        self._forget(list(self.known))

    def _forget(self, queues: Iterable[str]) -> None:
        """Let the next fetch ask for *queues*, and make it come soon."""
        for queue in queues:
            if self.known.pop(queue, None) is not None:
                self._changed.set()


def _is_of_node(error: NoTrackingError) -> bool:
    """Return whether a node of a cluster cannot be asked now, while others can."""
    return not isinstance(error.reply, Refusal) or redis_errors.is_passing(str(error.reply))


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _exists_any(keys: Sequence[str]) -> Command:
    """Return the question of a cluster's node for keys of several slots."""
    return ("EVAL", load("exists_any").source, 1, keys[0], *keys)
