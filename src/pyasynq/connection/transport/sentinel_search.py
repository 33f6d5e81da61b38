"""Asks sentinels where the master is, and hears from them when it moves; on one event loop.

All sentinels are asked at the same time, by one search for all who want to know. After a failure
the next search waits a little, however many ask for it, so a failover is no storm for sentinels.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from time import monotonic
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as NoConnectionError

from pyasynq.connection.transport.listening import received
from pyasynq.connection.transport.sentinel_answers import (
    EVENTS,
    Address,
    Answer,
    Move,
    answer_of,
    master_of,
    read_event,
)
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.shutdown import cancel_all

logger = logging.getLogger("pyasynq.sentinel")

LONGEST_ANSWER_S = 2.0  # to connect and to answer
OTHERS_S = 0.2  # after the first useful answer: another one may know of a later failover
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 0.5  # between searches
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0  # between subscriptions
REFUSED_WAIT_S = 30.0  # of a sentinel that does not let us listen
PING_INTERVAL_S = 5.0
MOVED_FOR_S = 10.0  # after an event, in which other sentinels may still name the old master
PROMOTED_WITHIN_S = 3.0

CLOSED = "the sentinels are not asked any more, since the client was closed"


class MasterSearch:
    """What is known of one master.

    Args:
        sentinels: how each is reached, by its address; closed by `follow`.
        on_move: called with the address of the master when that was found out, or is another one.
        ping_interval_s: how long a sentinel may be silent before it is asked for a sign of life.
    """

    def __init__(
        self,
        sentinels: Mapping[str, Redis],
        master: str,
        *,
        on_move: Callable[[Address], None],
        ping_interval_s: float = PING_INTERVAL_S,
    ) -> None:
        self._sentinels = sentinels
        self._master = master
        self._on_move = on_move
        self._ping_interval_s = ping_interval_s
        self._address: Address | None = None
        self._announced: Move | None = None
        self._announced_until = 0.0  # monotonic, as below
        self._search: asyncio.Task[Address] | None = None
        self._backoff = Backoff(FIRST_PAUSE_S, LONGEST_PAUSE_S)
        self._not_before = 0.0
        self._is_announced = asyncio.Event()

    async def follow(self) -> None:
        """Listen to every sentinel until cancelled; then close the connections."""
        # No group of tasks, which cancels each of them once only: redis-py may swallow that.
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._follow(name, sentinel), name=f"pyasynq hears {name}")
            for name, sentinel in self._sentinels.items()
        ]
        try:
            await asyncio.gather(*tasks)
        finally:
            await cancel_all(*tasks, *([] if self._search is None else [self._search]))
            for sentinel in self._sentinels.values():
                await sentinel.aclose()

    async def located(self) -> Address:
        """Return where the master is: as it was just announced, or as the sentinels answer now.

        Raises:
            NoConnectionError: they name none.
        """
        if announced := self._announcement():
            return announced.new
        search = self._searching()
        try:
            return await asyncio.shield(search)
        except asyncio.CancelledError:
            if search.cancelled():
                raise NoConnectionError(CLOSED) from None
            raise

    def promotes(self, address: Address) -> bool:
        """Return whether the sentinels are about to promote this server; in any thread."""
        event = self._announced
        is_soon = event is not None and not event.is_done and event.new == address
        return is_soon and monotonic() < self._announced_until

    def reached(self) -> None:
        """Hear that a connection to the master was made."""
        self._backoff.reset()
        self._not_before = 0.0

    def missed(self, address: Address) -> None:
        """Hear that no connection was made to *address*, so that asking again may help."""
        announced = self._announcement()
        if announced is None:
            self._pause()
        elif announced.is_done and announced.new == address:
            self._announced = None

    def _searching(self) -> "asyncio.Task[Address]":
        """Return the search that is under way, or begin one."""
        if self._search is None or self._search.done():
            self._search = asyncio.create_task(self._look_up(), name="pyasynq finds the master")
            # Perhaps nobody waits for it any more when it fails.
            self._search.add_done_callback(lambda done: done.cancelled() or done.exception())
        return self._search

    async def _look_up(self) -> Address:
        self._is_announced.clear()
        pause_s = self._not_before - monotonic()
        if pause_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._is_announced.wait()
        answers = [] if self._announcement() else await self._ask_all()
        if announced := self._announcement():  # in the meantime
            return announced.new
        try:
            address = master_of(answers, self._master)
        except NoConnectionError:
            self._pause()
            raise
        self._move_to(address)
        return address

    def _pause(self) -> None:
        now = monotonic()
        if now >= self._not_before:  # else somebody has failed for the same reason
            self._not_before = now + self._backoff.next_s()

    async def _ask_all(self) -> list[Answer]:
        """Ask all sentinels; do not wait long for the others once one has named a master."""
        asked = [
            asyncio.create_task(self._ask(name, sentinel), name=f"pyasynq asks {name}")
            for name, sentinel in self._sentinels.items()
        ]
        pending, wait_s = set(asked), None
        try:
            while pending:
                done, pending = await asyncio.wait(
                    pending, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    break
                if any(each.result().is_useful for each in done):
                    wait_s = OTHERS_S
            return [each.result() for each in asked if each.done()]
        finally:
            await cancel_all(*pending)

    async def _ask(self, name: str, sentinel: Redis) -> Answer:
        try:
            async with asyncio.timeout(LONGEST_ANSWER_S):
                try:
                    masters: Any = await sentinel.sentinel_masters()
                except NoPermissionError:  # as for a user who may only ask for one address
                    masters = {}
                address: Any = await sentinel.sentinel_get_master_addr_by_name(self._master)
                return answer_of(name, self._master, masters=masters, address=address)
        except TimeoutError:
            return Answer(sentinel=name, error=TimeoutError("it does not answer"))
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are asked, too
            return Answer(sentinel=name, error=error)

    async def _follow(self, name: str, sentinel: Redis) -> None:
        """Listen to one sentinel for ever."""
        backoff, is_told = Backoff(FIRST_WAIT_S, LONGEST_WAIT_S), False
        while True:
            is_refused = False
            try:
                async with aclosing(self._events(sentinel)) as events:
                    async for event in events:
                        if event is not None:
                            self._hear(event)
                            continue
                        if is_told:
                            logger.info("listening again to the sentinel %s", name)
                        is_told = False
                        backoff.reset()
                        await self._compare(name, sentinel)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is tried again
                is_refused = isinstance(error, AuthenticationError | ResponseError)
                # As long as nobody names a master, whoever asks for it is told why.
                if not is_told and self._address is not None:
                    logger.warning("cannot listen to the sentinel %s: %s", name, error)
                    is_told = True
            await asyncio.sleep(REFUSED_WAIT_S if is_refused and is_told else backoff.next_s())

    async def _events(self, sentinel: Redis) -> AsyncGenerator[Move | None, None]:
        """Subscribe; yield None once that is done, and then what happens to the master."""
        subscription, is_subscribed = sentinel.pubsub(), False
        try:
            await subscription.subscribe(*EVENTS)
            async for channel, payload in received(subscription, self._ping_interval_s):
                if not is_subscribed:
                    is_subscribed = True
                    yield None
                if event := read_event(channel, payload, self._master):
                    yield event
        finally:
            await subscription.aclose()

    async def _compare(self, name: str, sentinel: Redis) -> None:
        """Ask all sentinels if one to which nobody has listened names another master."""
        if self._address is None or self._announcement():
            return
        answer = await self._ask(name, sentinel)
        if answer.is_useful and answer.address != self._address:
            self._search = self._searching()

    def _hear(self, event: Move) -> None:
        if event.new != self._address and self._address not in (None, event.old):
            # A sentinel that is late, or a failover that nobody has told of.
            self._search = self._searching()
            return
        span_s = MOVED_FOR_S if event.is_done else PROMOTED_WITHIN_S
        self._announced = event
        self._announced_until = monotonic() + span_s
        self._is_announced.set()
        self._move_to(event.new)

    def _announcement(self) -> Move | None:
        """Return the event that tells better than any sentinel where the master is; or None."""
        if monotonic() >= self._announced_until:
            self._announced = None
        return self._announced

    def _move_to(self, address: Address) -> None:
        if address != self._address:
            self._address = address
            self._on_move(address)
