"""What a server handles, as Python servers publish it: JSON in a key of ours, which Go ignores.

``{"types":["email:*","report"],"groups":[{"pattern":"*","grace_s":60,"max_delay_s":0,"max_size":0}]}``
"""

from fnmatch import fnmatchcase

import msgspec

ANY_TEXT = "*"  # at the end of a type: any type that begins with the text before it
MOST_BYTES = 1 << 16  # a server that handles more than fits publishes no types


class HandledGroups(msgspec.Struct, frozen=True, kw_only=True):
    """Groups that a server aggregates, and when one of them is due.

    Attributes:
        pattern: a group, or a pattern with ``*``, ``?`` and ``[…]``.
        grace_s: once nothing was added for this long.
        max_delay_s: once its oldest member has waited for this long; 0 for no such limit.
        max_size: once it has this many members; 0 for no such limit.
    """

    pattern: str
    grace_s: int
    max_delay_s: int = 0
    max_size: int = 0


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """What a server handles.

    Attributes:
        types: task types, and beginnings of types with ``*`` behind them; None if not known.
        groups: the longest pattern first.
    """

    types: tuple[str, ...] | None = None
    groups: tuple[HandledGroups, ...] = ()

    def handles(self, task_type: str) -> bool | None:
        """Return whether a handler is for *task_type*; None if that is not known."""
        if self.types is None:
            return None
        return any(
            task_type.startswith(each.removesuffix(ANY_TEXT))
            if each.endswith(ANY_TEXT)
            else task_type == each
            for each in self.types
        )

    def aggregates(self, group: str) -> HandledGroups | None:
        """Return when *group* is due; None if it is not aggregated."""
        exact = (each for each in self.groups if each.pattern == group)
        similar = (each for each in self.groups if fnmatchcase(group, each.pattern))
        return next(exact, None) or next(similar, None)


NOTHING_KNOWN = Handled()

_decoder = msgspec.json.Decoder(Handled)


def encode(handled: Handled) -> bytes:
    """Return *handled* as it is stored; too many types are left out."""
    data = msgspec.json.encode(handled)
    if len(data) > MOST_BYTES:
        data = msgspec.json.encode(msgspec.structs.replace(handled, types=None))
    return data


def decode(data: bytes | None) -> Handled:
    """Return what is in *data*; nothing is known if there is none, or it cannot be read."""
    if not data:
        return NOTHING_KNOWN
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return NOTHING_KNOWN
