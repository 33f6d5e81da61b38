"""Lines of many processes in one stream."""

import os
import threading

import pytest

from pyasynq.cli.supervision.relay import LONGEST_LINE, LineRelay


@pytest.fixture
def sink(tmp_path):
    """A file to write to, by its descriptor."""
    descriptor = os.open(tmp_path / "sink", os.O_RDWR | os.O_CREAT | os.O_APPEND)
    yield descriptor
    os.close(descriptor)


def written(sink):
    return os.pread(sink, 1 << 24, 0).decode()


def test_lines_are_marked_and_whole_however_they_arrive(sink):
    relay = LineRelay()
    first, second = relay.pipe(mark="[1] ", sink=sink), relay.pipe(mark="[2] ", sink=sink)
    for piece in (b"on", b"e\ntw", b"o\n\n"):
        os.write(first, piece)
        os.write(second, piece)
    os.close(first)
    os.close(second)
    relay.close()

    lines = written(sink).splitlines()
    assert [line for line in lines if line.startswith("[1]")] == ["[1] one", "[1] two", "[1] "]
    assert [line for line in lines if line.startswith("[2]")] == ["[2] one", "[2] two", "[2] "]
    assert len(lines) == 6


def test_a_last_line_without_an_end_is_not_lost(sink):
    relay = LineRelay()
    ended, held = relay.pipe(mark="[1] ", sink=sink), relay.pipe(mark="[2] ", sink=sink)
    os.write(ended, b"last words")
    os.close(ended)
    os.write(held, b"its process has ended, what it started has not")
    relay.close()

    assert sorted(written(sink).splitlines()) == [
        "[1] last words",
        "[2] its process has ended, what it started has not",
    ]
    os.close(held)


def test_records_in_json_are_not_marked(sink):
    relay = LineRelay()
    pipe = relay.pipe(mark="[1] ", sink=sink)
    os.write(pipe, b'{"event": "started"}\n')
    os.close(pipe)
    relay.close()

    assert written(sink) == '{"event": "started"}\n'


def test_a_line_without_an_end_does_not_grow_for_ever(sink):
    relay = LineRelay()
    pipe = relay.pipe(mark="", sink=sink)
    for _ in range(4):
        os.write(pipe, b"x" * LONGEST_LINE)
    os.close(pipe)
    relay.close()

    lines = written(sink).splitlines()
    assert sum(map(len, lines)) == 4 * LONGEST_LINE
    assert max(map(len, lines)) <= 2 * LONGEST_LINE
    assert len(lines) > 1


def test_lines_before_the_close_are_written(sink):
    relay = LineRelay()
    for number in range(100):
        relay.write_line(f"line {number}", sink=sink)
    relay.close()

    assert written(sink).splitlines() == [f"line {number}" for number in range(100)]


def test_processes_write_on_when_nobody_reads(sink):
    reader, writer = os.pipe()
    os.close(reader)
    relay = LineRelay()
    pipe = relay.pipe(mark="[1] ", sink=writer)
    other = relay.pipe(mark="[2] ", sink=sink)
    for _ in range(32):  # more than fits into any pipe
        os.write(pipe, b"x" * LONGEST_LINE + b"\n")
    os.write(other, b"still there\n")
    os.close(pipe)
    os.close(other)
    relay.close()
    os.close(writer)

    assert written(sink) == "[2] still there\n"


def test_a_reader_that_hangs_does_not_hold_up_writers():
    reader, writer = os.pipe()
    relay = LineRelay()

    def speak():
        for _ in range(200):  # more than fits into the pipe
            relay.write_line("x" * 1000, sink=writer)

    speaker = threading.Thread(target=speak)
    speaker.start()
    speaker.join(20)

    assert not speaker.is_alive()
    received = 0
    while received < 200 * 1001:
        received += len(os.read(reader, 1 << 16))
    relay.close()
    os.close(reader)
    os.close(writer)
