"""``pyasynq worker --processes``: real processes, stopped, killed and started again."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.client import Client
from pyasynq.task import Task
from tests.cli.supervision.fleet import Fleet, children_of, is_alive
from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc"),
]

TASKS, HELD = 400, 200


@pytest.fixture
def fleet(tmp_path, redis_url, redis_client):
    fleet = Fleet(tmp_path, redis_url, redis_client)
    yield fleet
    fleet.end()


@pytest.fixture
def client(redis_url):
    with Client(redis_url) as client:
        yield client


def test_each_process_is_a_server_of_its_own_and_writes_whole_marked_lines(
    fleet, client, redis_url
):
    fleet.start("--concurrency", "1", "--redis-url", redis_url)
    pids = fleet.wait_until_all_serve()
    lists = [Path(f"/proc/{pid}/cmdline").read_text() for pid in pids]
    for letter in "abcdefghijklmnop":
        client.enqueue(Task("write", f'{{"letter":"{letter}"}}'.encode()))
    eventually(lambda: fleet.printed().count("event") == 16)

    code = fleet.stop()

    assert (code, fleet.server_pids()) == (0, [])
    assert not any(is_alive(pid) for pid in pids)
    assert not any(redis_url in each for each in lists)  # it may hold a password
    lines = fleet.printed().splitlines()
    texts = [line for line in lines if re.fullmatch(r"\[[12]\] ([a-p])\1{1999}", line)]
    assert len(texts) == 16 * 20
    assert [line for line in lines if line not in texts] == ['{"event": "written"}'] * 16
    served = re.findall(r"^\[(\d)\] .* serves default=1", fleet.logged(), re.MULTILINE)
    assert sorted(served) == ["1", "2"]
    assert "Traceback" not in fleet.logged()


def test_a_stop_under_load_loses_nothing_and_runs_nothing_twice(fleet, client, redis_client):
    results = client.enqueue_many([Task("work")] * TASKS + [Task("hold")] * HELD)
    ids = [result.info.id for result in results]
    fleet.start()
    eventually(lambda: len(fleet.worked()) >= 100, within_s=60)
    fleet.signal(signal.SIGTERM)  # most are pending, however late it comes: they wait to be let go
    fleet.redis.rpush("go", *["go"] * HELD)

    code = fleet.wait()

    worked, pending = fleet.worked(), fleet.pending()
    print(f"SIGTERM under load: {len(ids)} tasks, {len(worked)} worked, {len(pending)} pending")
    assert code == 0
    assert len(worked) == len(set(worked))
    assert sorted(worked + pending) == sorted(ids)
    assert pending
    assert int(redis_client.get("asynq:{default}:processed")) == len(worked)
    assert redis_client.llen("asynq:{default}:active") == 0

    fleet.start()
    eventually(lambda: not redis_client.keys("asynq:{default}:t:*"), within_s=60)
    assert (fleet.stop(), sorted(fleet.worked())) == (0, sorted(ids))


@pytest.mark.parametrize("start", ["start_a_child", "start_a_child_in_a_process"])
def test_a_process_that_is_killed_is_started_again_and_takes_its_children_along(
    fleet, client, start
):
    fleet.start()
    before = fleet.wait_until_all_serve()
    client.enqueue(Task(start))
    (victim,) = fleet.wait_for_held()
    child = int(fleet.redis.lindex("children", 0))
    os.kill(victim, signal.SIGKILL)

    eventually(lambda: not is_alive(child))
    eventually(lambda: len(set(fleet.server_pids()) - set(before)) == 1)
    assert "ended by signal 9 (SIGKILL); it starts again in 0.2" in fleet.logged()
    assert fleet.stop() == 0


def test_a_stop_ends_what_handlers_have_left_behind(fleet, client):
    fleet.start()
    fleet.wait_until_all_serve()
    client.enqueue(Task("leave_a_child"))
    fleet.wait_for_held()
    child = int(fleet.redis.lindex("children", 0))
    assert is_alive(child)

    assert fleet.stop() == 0
    eventually(lambda: not is_alive(child))


def test_a_process_that_keeps_dying_is_started_later_each_time(fleet):
    fleet.write_app("import os\nos._exit(3)\n")
    fleet.start()

    def waits(number):
        pattern = rf"process {number} .* ended with exit code 3; it starts again in (.*) s"
        return [float(wait) for wait in re.findall(pattern, fleet.logged())]

    # Both wait for two seconds then: one that died during the stop would make its exit code 1.
    eventually(lambda: len(waits(1)) >= 4 and len(waits(2)) >= 4, within_s=60)
    assert fleet.stop() == 0
    assert waits(1)[:3] == pytest.approx([0.25, 0.5, 1.0], rel=0.15)


def test_a_wrong_setting_ends_all_with_its_exit_code_and_is_reported_once(fleet):
    fleet.start("--concurrency", "0")

    assert fleet.wait() == 2
    assert fleet.logged().count("concurrency must be a whole number from 1") == 1
    assert fleet.logged().splitlines()[-1].startswith("Error: concurrency must be")
    assert "Traceback" not in fleet.logged()
    assert fleet.printed() == ""


def test_a_second_signal_does_not_wait_for_handlers(fleet, client):
    fleet.write_app(shutdown_timeout=600)
    fleet.start()
    fleet.wait_until_all_serve()
    info = client.enqueue(Task("hold"))
    fleet.wait_for_held()
    fleet.signal(signal.SIGINT)
    eventually(lambda: fleet.logged().count("shuts down") == 2)
    fleet.signal(signal.SIGINT)

    assert fleet.wait() == 0
    assert fleet.pending() == [info.id]
    assert "SIGINT again: not waiting for handlers" in fleet.logged()


def test_a_service_manager_that_signals_every_process_asks_for_one_stop(fleet, client):
    fleet.write_app(shutdown_timeout=600)
    fleet.start()
    pids = fleet.wait_until_all_serve()
    info = client.enqueue(Task("hold"))
    fleet.wait_for_held()
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    eventually(lambda: fleet.logged().count("shuts down") == 2)
    fleet.signal(signal.SIGTERM)
    eventually(lambda: "SIGTERM: stopping" in fleet.logged())
    fleet.let_go()

    assert fleet.wait() == 0
    assert (fleet.worked(), fleet.pending()) == ([info.id], [])


def test_sigtstp_ends_the_fetching_of_every_process_also_of_one_that_comes_later(fleet, client):
    fleet.start()
    first, second = fleet.wait_until_all_serve()
    fleet.signal(signal.SIGTSTP)
    eventually(lambda: fleet.states() == {first: "stopped", second: "stopped"})
    info = client.enqueue(Task("work"))
    os.kill(first, signal.SIGKILL)
    eventually(lambda: set(fleet.states()) - {first, second})
    (third,) = set(fleet.states()) - {first, second}

    assert fleet.states()[third] == "stopped"
    assert fleet.stop() == 0
    assert (fleet.worked(), fleet.pending()) == ([], [info.id])


def test_a_killed_supervisor_leaves_no_process_and_spoils_no_task(fleet, client, redis_client):
    fleet.start()
    pids = fleet.wait_until_all_serve()
    info = client.enqueue(Task("hold"))
    fleet.wait_for_held()
    fleet.signal(signal.SIGKILL)
    fleet.wait()
    eventually(lambda: len(fleet.server_pids()) == 1)  # the idle one has stopped
    fleet.let_go()

    eventually(lambda: not any(is_alive(pid) for pid in pids))
    assert (fleet.worked(), fleet.pending()) == ([info.id], [])
    assert redis_client.keys("asynq:{default}:t:*") == []


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGKILL, marks=pytest.mark.long)]
)
def test_a_process_that_does_not_stop_is_killed(fleet, client, number):
    fleet.write_app(shutdown_timeout=0.1, cancel_grace=0.1)
    fleet.start()
    pids = fleet.wait_until_all_serve()
    client.enqueue(Task("block_the_loop"))
    fleet.wait_for_held()
    fleet.signal(number)

    assert fleet.wait() == (1 if number == signal.SIGTERM else -signal.SIGKILL)
    eventually(lambda: not any(is_alive(pid) for pid in pids))
    assert ("does not stop; killing it" in fleet.logged()) == (number == signal.SIGTERM)


@pytest.mark.needs("unshare")
def test_the_first_process_of_a_container_waits_for_orphans_and_stops(fleet, client):
    user = () if os.getuid() == 0 else ("--map-root-user",)
    command = ("unshare", *user, "--pid", "--fork", "--kill-child")
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system permits no PID namespace")
    fleet.start(through=command)
    fleet.wait_until_all_serve()
    (supervisor,) = children_of(fleet.pid)
    workers = set(children_of(supervisor))
    client.enqueue(Task("leave_an_orphan"))
    fleet.wait_for_held()
    eventually(lambda: set(children_of(supervisor)) - workers)
    (orphan,) = set(children_of(supervisor)) - workers
    os.kill(orphan, signal.SIGKILL)

    eventually(lambda: set(children_of(supervisor)) == workers)
    os.kill(supervisor, signal.SIGTERM)
    assert fleet.wait() == 0
    assert "; pid 1\n" in fleet.logged()
    assert not any(is_alive(pid) for pid in workers)
