"""Which node of a Redis Cluster serves which slot, as the nodes tell it. No I/O.

All clients of one connector share a map, in any thread: what one of them learns spares the others
the question. An answer MOVED is written into the map at once, so that only one call is redirected
for each slot that has moved; the nodes are then asked for all slots, once for all clients.
"""

import time
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from random import Random
from typing import Any

import msgspec
from redis.crc import key_slot
from redis.exceptions import ConnectionError as NoConnectionError

Address = tuple[str, int]

PAUSE_S = 0.2  # so often, at the most, the nodes are asked for their slots
NEVER = float("-inf")
NOWHERE = "", "?"  # a node that does not know the name of another one, which has its host
# After these, the node that answered is the wrong one, or has no part in the cluster just now.
_DOUBTS = "CLUSTERDOWN", "MASTERDOWN", "READONLY", "non local key"


class Redirect(msgspec.Struct, frozen=True):
    """A node's answer that another node serves a slot.

    Attributes:
        is_for_now: only this call is to go there, after ASKING: the slot is being moved.
    """

    slot: int
    address: Address
    is_for_now: bool


class _Ranges(msgspec.Struct, frozen=True):
    """Ranges of slots, ascending: the first slot of each, its last one, and the node."""

    starts: Sequence[int] = ()
    ends: Sequence[int] = ()
    owners: Sequence[Address] = ()


class SlotMap:
    """What is known of the nodes.

    Attributes:
        primaries: the nodes that serve slots.
        nodes: these and their replicas.
        version: how often the nodes have told their slots so far.

    Args:
        seeds: the nodes that somebody has named.
    """

    def __init__(self, seeds: Iterable[Address]) -> None:
        self._seeds = tuple(dict.fromkeys(seeds))
        self._ranges = _Ranges()
        self._moved: dict[int, Address] = {}  # by slot, since the nodes told their slots
        self._failed: set[Address] = set()
        self._is_in_doubt = True
        self._asked_at = NEVER
        self._random = Random()  # noqa: S311 - spreads load, guards nothing
        self.primaries: Sequence[Address] = ()
        self.nodes: frozenset[Address] = frozenset()
        self.version: int = 0

    @property
    def is_known(self) -> bool:
        """Whether any node has told its slots."""
        return bool(self._ranges.starts)

    @property
    def is_due(self) -> bool:
        """Whether the nodes are to be asked for their slots now."""
        if not self._is_in_doubt:
            return False
        return not self.is_known or time.monotonic() - self._asked_at >= PAUSE_S

    def owner_of(self, key: str | None) -> Address | None:
        """Return the node that serves *key*, or any primary for None; None if nobody does."""
        if key is None:
            return self.any_primary()
        slot = key_slot(key.encode("utf-8", "surrogateescape"))
        if self._moved and slot in self._moved:
            return self._moved[slot]
        ranges = self._ranges
        position = bisect_right(ranges.starts, slot) - 1
        if position < 0 or slot > ranges.ends[position]:
            self._is_in_doubt = True
            return None
        return ranges.owners[position]

    def any_primary(self, *, but: Address | None = None) -> Address | None:
        """Return a primary by chance, if possible one that answers, and another one than *but*."""
        choices = (
            [each for each in self.primaries if each not in self._failed and each != but],
            [each for each in self.primaries if each != but],
            self.primaries,
        )
        return next((self._random.choice(each) for each in choices if each), None)

    def to_ask(self) -> list[Address]:
        """Return whom to ask for the slots, the most promising first; notes that it is done.

        What was named may belong to another cluster by now. So the nodes that were learnt come
        first, and of all nodes those that have not answered lately come last.
        """
        self._asked_at = time.monotonic()
        learnt = sorted(self.nodes)
        self._random.shuffle(learnt)
        found = dict.fromkeys([*learnt, *self._seeds])
        return sorted(found, key=lambda each: each in self._failed)

    def take(self, asked: Address, rows: Any) -> None:
        """Note the answer of *asked* to CLUSTER SLOTS.

        Raises:
            NoConnectionError: it knows of no slots: it is not in a cluster, or not any more.
        """
        found = sorted(
            (int(first), int(last), [_address_of(each, asked) for each in nodes])
            for first, last, *nodes in rows
        )
        if not found:
            raise NoConnectionError("no node of the cluster serves any slot")
        owners = [nodes[0] for _first, _last, nodes in found]
        self.primaries = tuple(dict.fromkeys(owners))
        self.nodes = frozenset(each for _first, _last, nodes in found for each in nodes)
        self._ranges = _Ranges([row[0] for row in found], [row[1] for row in found], owners)
        self._moved = {}
        self._failed &= self.nodes
        self._is_in_doubt = False
        self.version += 1

    def redirect(self, asked: Address, refusal: object) -> Redirect | None:
        """Return where a refusal of *asked* sends us, None if it does not; note what it shows."""
        text = str(refusal)
        word, slot, where = [*text.split(" ", 2), "", ""][:3]
        host, _, port = where.rpartition(":")
        if word not in ("MOVED", "ASK") or not (slot.isdigit() and port.isdigit()):
            self._is_in_doubt = self._is_in_doubt or any(each in text for each in _DOUBTS)
            return None
        address = asked[0] if host in NOWHERE else host, int(port)
        found = Redirect(int(slot), address, word == "ASK")
        if not found.is_for_now:
            self._moved[found.slot] = address
            self._is_in_doubt = True
        return found

    def failed(self, address: Address) -> None:
        """Note that a node did not answer: it may have lost its slots."""
        self._failed.add(address)
        self._is_in_doubt = True

    def worked(self, address: Address) -> None:
        """Note that a node has answered."""
        if self._failed:
            self._failed.discard(address)

    def is_used(self, address: Address) -> bool:
        """Whether calls may go to *address*; not to a node that has left the cluster."""
        return address in self.nodes or address in self._moved.values()


def _address_of(node: Sequence[Any], asked: Address) -> Address:
    """Return where a node of CLUSTER SLOTS is: a host that is not told is that of *asked*."""
    host = node[0].decode() if isinstance(node[0], bytes) else node[0] or ""
    return asked[0] if host in NOWHERE else host, int(node[1])
