"""As many pages listen as may, on as many queues as there are anywhere; figures are printed."""

import asyncio
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyasynq.wire.keys import queue_keys

LISTENERS, QUEUES, CHANGES, QUIET_S = 200, 1000, 5, 10
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class Process:
    """`pyasynq web`, and what it costs."""

    def __init__(self, redis_url):
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "web", "--port", "0"],
            env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
            stderr=subprocess.PIPE,
            text=True,
        )
        self.port = int(re.search(r":(\d+)/", self.popen.stderr.readline())[1])

    @property
    def cpu_s(self):
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * TICK_S

    @property
    def resident_mb(self):
        pages = int(Path(f"/proc/{self.popen.pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    async def listen(self):
        """Open a stream; return its status, and what reads it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"GET /api/x/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        status = int((await reader.readline()).split()[1])
        return status, reader, writer

    def stop(self):
        self.popen.terminate()
        code = self.popen.wait(20)
        self.popen.stderr.close()
        return code


async def told(reader, words):
    """Wait until a listener is told of a change; return when it was."""
    while words not in await reader.readline():
        pass
    return time.monotonic()


def smembers(client):
    return client.info("commandstats")["cmdstat_smembers"]["calls"]


def used_s(client):
    cpu = client.info("cpu")
    return cpu["used_cpu_user"] + cpu["used_cpu_sys"]


@pytest.mark.long
@pytest.mark.parametrize("queues", [4, QUEUES])
async def test_two_hundred_pages_listen_and_one_more_is_told_to_poll(
    redis_url, redis_client, queues
):
    with redis_client.pipeline() as pipeline:
        for number in range(queues):
            pipeline.sadd("asynq:queues", f"queue-{number}")
            pipeline.lpush(queue_keys(f"queue-{number}").pending, "a", "b")
        pipeline.execute()
    process = Process(redis_url)
    try:
        before_mb = process.resident_mb
        streams = [await process.listen() for _ in range(LISTENERS)]
        one_more = await process.listen()
        await asyncio.gather(*(told(reader, b"all") for _, reader, _ in streams))
        delays = []
        for number in range(CHANGES):
            began = time.monotonic()
            redis_client.lpush(queue_keys(f"queue-{number % queues}").pending, "c")
            word = b"queue:queue-%d" % (number % queues)
            ends = await asyncio.gather(*(told(reader, word) for _, reader, _ in streams))
            delays += [end - began for end in ends]
        readings, cpu_s, redis_s = smembers(redis_client), process.cpu_s, used_s(redis_client)
        await asyncio.sleep(QUIET_S)  # what is measured is this time
        readings = smembers(redis_client) - readings
        cpu_s, redis_s = process.cpu_s - cpu_s, used_s(redis_client) - redis_s
        after_mb = process.resident_mb
    finally:
        code = process.stop()
        for _, _, writer in (*streams, one_more):
            writer.close()

    print(
        f"{queues} queues, {LISTENERS} listeners: {1000 * cpu_s / readings:.1f} ms of CPU and "
        f"{1000 * redis_s / readings:.1f} ms of Redis for a reading, {readings} readings in "
        f"{QUIET_S} s; {before_mb:.0f} MB before, {after_mb:.0f} MB after; from change to event "
        f"{sorted(delays)[len(delays) // 2]:.2f} s, at most {max(delays):.2f} s"
    )
    assert {status for status, _, _ in streams} == {200}
    assert one_more[0] == 503
    assert readings <= QUIET_S // 2 + 1
    assert code == 0
