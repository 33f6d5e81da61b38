"""Exceptions that misbehave when somebody asks what they are about."""


class Unspeakable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


class Interrupting(Exception):
    def __str__(self):
        raise KeyboardInterrupt


class Leaving(Exception):
    def __str__(self):
        raise SystemExit(3)


class Clueless(Exception):
    """Like a proxy of a remote error: every attribute is looked up elsewhere."""

    def __getattr__(self, name):
        raise KeyError(name)


class Loquacious(str):
    __slots__ = ()

    def __format__(self, spec):
        raise RuntimeError("not in a text")

    def encode(self, *_arguments):
        return b"\xff\xfe"


class Odd(Exception):
    def __str__(self):
        return Loquacious("odd")


class Frozen(Exception):
    def __setattr__(self, name, value):
        raise AttributeError("frozen")


class Classless(Exception):
    @property
    def __class__(self):
        raise RuntimeError("no class")


class Groundless(Exception):
    @property
    def __cause__(self):
        raise RuntimeError("no cause")


class Untouchable(Exception):
    def __getattribute__(self, name):
        raise RuntimeError("not to be looked at")
