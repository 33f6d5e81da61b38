"""Frames: how messages follow each other on a socket between a worker and a child process.

A frame is four fixed bytes, the length of its body in four bytes, and the body. The fixed bytes
show at once when a handler has written into the socket itself. Nothing here reads or writes.
"""

import struct
from collections.abc import Iterator

MARK = b"pyaq"
LONGEST = 2**32 - 1  # bytes of a body

_HEAD = struct.Struct("!4sI")
HEAD_SIZE = _HEAD.size


class FrameError(Exception):
    """What was received is not a frame."""


def begin_frame() -> bytearray:
    """Return a frame without its body, for which there is room from `HEAD_SIZE` on."""
    return bytearray(HEAD_SIZE)


def end_frame(frame: bytearray) -> bytearray:
    """Return *frame*, which now has its body, ready to be sent.

    Raises:
        ValueError: the body is longer than `LONGEST`.
    """
    length = len(frame) - HEAD_SIZE
    if length > LONGEST:
        raise ValueError(f"{length} bytes are too many to be sent between processes")
    _HEAD.pack_into(frame, 0, MARK, length)
    return frame


class FrameCutter:
    """Cuts what is received, in chunks of any size, into the bodies of frames."""

    def __init__(self) -> None:
        self._rest: bytearray | None = None  # the beginning of a frame
        self._needed = 0  # how long that must be at least before it is looked at again

    def cut(self, data: bytes) -> Iterator[memoryview]:
        """Take what was received, and go through the bodies of the frames that are complete now.

        The caller must go through all of them. Each byte is copied at the most once, however many
        chunks its frame comes in; the bodies refer to *data*, or to a copy that is not used again.

        Raises:
            FrameError: what follows is not a frame.
        """
        received: bytes | bytearray = data
        if self._rest is not None:
            self._rest += data
            if len(self._rest) < self._needed:
                return
            received, self._rest = self._rest, None
        view, start, size = memoryview(received), 0, len(received)
        while start < size:
            end = start + _frame_size(view, start)
            if end > size:
                self._rest, self._needed = bytearray(view[start:]), end - start
                return
            yield view[start + HEAD_SIZE : end]
            start = end


def _frame_size(data: memoryview, start: int) -> int:
    """Return how long the frame at *start* is; at least its head, if that is not complete."""
    if len(data) - start < HEAD_SIZE:
        if not MARK.startswith(bytes(data[start : start + len(MARK)])):
            raise FrameError
        return HEAD_SIZE
    mark, length = _HEAD.unpack_from(data, start)
    if mark != MARK:
        raise FrameError
    return HEAD_SIZE + int(length)
