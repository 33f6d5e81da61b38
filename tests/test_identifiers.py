"""IDs of tasks are random UUIDs, and no two processes share any."""

import ctypes
import os
from uuid import RFC_4122, UUID

import pytest

from pyasynq.identifiers import new_task_id


def test_an_id_is_a_random_uuid_in_its_usual_form():
    for _ in range(1000):
        text = new_task_id()
        parsed = UUID(text)
        assert (str(parsed), parsed.version, parsed.variant) == (text, 4, RFC_4122)


def test_no_id_comes_twice():
    assert len({new_task_id() for _ in range(10_000)}) == 10_000


@pytest.mark.parametrize("fork", [os.fork, ctypes.CDLL(None).fork], ids=["python", "c"])
def test_a_forked_process_has_ids_of_its_own(fork):
    new_task_id()
    receiving, sending = os.pipe()
    child = fork()
    if child == 0:
        os.write(sending, new_task_id().encode())
        os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    theirs = os.read(receiving, 100).decode()
    os.close(receiving)

    assert UUID(theirs).version == 4
    assert theirs != new_task_id()
