"""The nodes of a Redis Cluster."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node of a cluster.

    Attributes:
        id: how the cluster calls it.
        address: host and port.
    """

    id: str
    address: str


def nodes_of(
    slot: int, slots: Sequence[tuple[int, int, Sequence[tuple[str, str, int]]]]
) -> list[Node]:
    """Return the nodes that serve *slot*, the primary first; none if no node serves it."""
    return [
        Node(id=node_id, address=f"{host}:{port}")
        for first, last, nodes in slots
        if first <= slot <= last
        for node_id, host, port in nodes
    ]
