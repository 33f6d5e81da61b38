"""Frames come out of any chunks as they went in."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.worker.execute.processes import frames
from pyasynq.worker.execute.processes.frames import FrameCutter, FrameError

BODIES = st.lists(st.binary(max_size=40), max_size=6)


def framed(body: bytes) -> bytes:
    return b"pyaq" + len(body).to_bytes(4, "big") + body


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    bounds = [0, *sorted(each % (len(data) + 1) for each in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def all_bodies(cutter: FrameCutter, chunks: list[bytes]) -> list[bytes]:
    return [bytes(body) for chunk in chunks for body in cutter.cut(chunk)]


@given(bodies=BODIES, cuts=st.lists(st.integers(min_value=0, max_value=10_000), max_size=12))
def test_bodies_are_the_same_however_they_are_cut_into_chunks(bodies, cuts):
    data = b"".join(map(framed, bodies))

    assert all_bodies(FrameCutter(), chunks_of(data, cuts)) == bodies


@given(bodies=BODIES)
def test_bodies_come_out_of_single_bytes(bodies):
    data = b"".join(map(framed, bodies))

    assert all_bodies(FrameCutter(), [bytes([each]) for each in data]) == bodies


@given(
    bodies=BODIES,
    garbage=st.binary(min_size=8).filter(lambda data: not data.startswith(b"pyaq")),
    cuts=st.lists(st.integers(min_value=0, max_value=10_000), max_size=12),
)
def test_what_came_before_garbage_comes_out_and_then_an_error(bodies, garbage, cuts):
    cutter, found = FrameCutter(), []

    with pytest.raises(FrameError):
        for chunk in chunks_of(b"".join(map(framed, bodies)) + garbage, cuts):
            for body in cutter.cut(chunk):
                found.append(bytes(body))  # noqa: PERF401 - what came before the error counts

    assert found == bodies


@given(
    garbage=st.binary(min_size=1, max_size=7).filter(lambda data: data[:4] != b"pyaq"[: len(data)])
)
def test_garbage_is_noticed_before_there_is_enough_of_it_for_a_head(garbage):
    with pytest.raises(FrameError):
        list(FrameCutter().cut(garbage))


def test_a_body_of_many_chunks_is_copied_once():
    body = bytes(range(256)) * 4096
    data = framed(body)
    cutter = FrameCutter()
    chunks = [data[start : start + 1000] for start in range(0, len(data), 1000)]

    [found] = [each for chunk in chunks for each in cutter.cut(chunk)]

    assert found == body
    assert isinstance(found.obj, bytearray)
    assert len(found.obj) == len(data)


def test_a_frame_is_four_fixed_bytes_the_length_and_the_body():
    frame = frames.begin_frame()
    frame += b"body"

    assert frames.end_frame(frame) == b"pyaq\0\0\0\4body"


def test_a_body_that_its_length_cannot_tell_is_refused(monkeypatch):
    monkeypatch.setattr(frames, "LONGEST", 3)
    frame = frames.begin_frame()
    frame += b"body"

    with pytest.raises(ValueError, match="4 bytes are too many to be sent between processes"):
        frames.end_frame(frame)
