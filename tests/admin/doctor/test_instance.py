"""What is wrong with a Redis itself: each finding beside a real one that is like that."""

import socket
from contextlib import contextmanager

import pytest

from pyasynq.admin.doctor import Doctor
from pyasynq.errors import PyasynqError
from tests.connection.test_connector import LEAST_RIGHTS
from tests.support.clocks import HOUR_S, WrongClock
from tests.support.eventually import eventually
from tests.support.odd_proxy import OddProxy
from tests.support.redis_sentinel import RedisSentinel
from tests.support.redis_server import RedisServer


@pytest.fixture(scope="module")
def started_server():
    server = RedisServer("--save", "60 1000")
    yield server
    server.stop()


@pytest.fixture
def server(started_server):
    """An empty server that a test may set up otherwise, as long as it mends it."""
    client = started_server.client()
    client.flushall()
    client.close()
    return started_server


@pytest.fixture(scope="module")
def other():
    server = RedisServer()
    yield server
    server.stop()


def examine(url, **arguments):
    with Doctor(url) as doctor:
        return doctor.examine(**arguments)


def findings(url, **arguments):
    return {each.code: each for each in examine(url, **arguments).findings}


@contextmanager
def set_up(server, **settings):
    client = server.client()
    before = {name: client.config_get(name)[name] for name in settings}
    try:
        for name, value in settings.items():
            client.config_set(name, value)
        yield client
    finally:
        for name, value in before.items():
            client.config_set(name, value)
        client.close()


@contextmanager
def user(server, *rights):
    """Let a user have these rights; gives the URL for that user."""
    client = server.client()
    client.execute_command("ACL", "SETUSER", "me", "reset", "on", ">pw", *rights)
    try:
        yield f"redis://me:pw@127.0.0.1:{server.port}/0"
    finally:
        client.execute_command("ACL", "DELUSER", "me")
        client.close()


def everything(*less):
    return ("allkeys", "allchannels", "+@all", *less)


def test_a_single_server_in_order_is_told(server):
    found = findings(server.tcp_url)

    assert list(found) == ["instance", "looked_at"]
    assert found["instance"].sentence.startswith("Redis ")
    assert "(standalone)" in found["instance"].sentence


def test_nothing_is_left_behind(server):
    client = server.client()

    examine(server.tcp_url)

    assert client.keys("*") == []
    client.close()


def test_a_node_of_a_cluster_is_not_a_single_server(cluster):
    found = findings(cluster.nodes[0].tcp_url)

    finding = found["cluster_node_as_single"]
    assert finding.severity == "error"
    assert finding.evidence["slots_here"] == 5461
    assert f"127.0.0.1:{cluster.nodes[2].port}" in finding.advice
    assert "looked_at" not in found


def test_a_cluster_in_order_is_told(cluster):
    found = findings(cluster.url, scan=1000)

    assert list(found) == ["persistence_off", "instance", "looked_at"]
    assert "(a cluster of 3 primaries)" in found["instance"].sentence


def test_data_of_a_cluster_is_found_on_each_node(cluster):
    client = cluster.client()
    for number in range(6):
        client.set(f"asynq:{{q{number}}}:unique:email:0f", "gone")
        client.sadd("asynq:queues", f"q{number}")

    examination = examine(cluster.url, scan=1000)

    assert sum(each.code == "lock_without_task" for each in examination.findings) == 6
    with Doctor(cluster.url) as doctor:
        assert [doctor.repair(each) for each in examination.repairs] == [1] * 6
    client.close()


def test_a_cluster_that_lacks_slots_is_told(cluster):
    clients = [node.client() for node in cluster.nodes]
    for each in clients:
        each.execute_command("CLUSTER DELSLOTS", 16_383)
    try:
        states = (each.execute_command("CLUSTER INFO") for each in clients)
        eventually(lambda: all(each["cluster_state"] == "fail" for each in states))

        found = findings(cluster.url)

        assert found["cluster_incomplete"].evidence["slots"] == 16_383
        assert "looked_at" not in found
    finally:
        clients[2].execute_command("CLUSTER ADDSLOTS", 16_383)
        eventually(
            lambda: all(
                each.execute_command("CLUSTER INFO")["cluster_state"] == "ok" for each in clients
            )
        )
        for each in clients:
            each.close()


def test_a_replica_is_told_with_its_master(server, other):
    with set_up(other) as client:
        client.replicaof("127.0.0.1", str(server.port))
        try:
            found = findings(other.tcp_url)
        finally:
            client.replicaof("NO", "ONE")

    assert found["replica"].severity == "error"
    assert found["replica"].evidence["master"] == f"127.0.0.1:{server.port}"


def test_a_replica_that_does_not_follow_is_told(server):
    with set_up(server, **{"repl-diskless-sync-delay": 60}), socket.socket() as replica:
        replica.connect(("127.0.0.1", server.port))
        # Only to a replica that reads from the socket does the server not send at once.
        replica.sendall(b"REPLCONF listening-port 7 capa eof\r\n")
        assert replica.recv(100) == b"+OK\r\n"
        replica.sendall(b"PSYNC ? -1\r\n")
        client = server.client()
        eventually(lambda: client.info("replication")["connected_slaves"] == 1)

        finding = findings(server.tcp_url)["replica_lags"]

        client.close()
    assert finding.evidence["state"] == "wait_bgsave"
    assert finding.evidence["replica"] == "127.0.0.1:7"


def test_sentinels_are_neither_bypassed_nor_taken_for_servers():
    sentinel = RedisSentinel()
    try:
        client = sentinel.primary.client()
        channel = "__sentinel__:hello"
        eventually(lambda: client.pubsub_numsub(channel)[0][1])

        at_sentinel = findings(f"redis://127.0.0.1:{sentinel.port}/0")
        at_master = findings(sentinel.primary.tcp_url)
        by_sentinel = findings(sentinel.url())

        client.close()
    finally:
        sentinel.stop()
    assert "sentinel_as_server" in at_sentinel
    assert at_master["sentinel_bypassed"].evidence["sentinels"] == 1
    assert "sentinel_bypassed" not in by_sentinel


@pytest.mark.parametrize(
    ("policy", "limit", "severity"),
    [
        ("allkeys-lru", "100mb", "error"),
        ("volatile-ttl", "100mb", "warning"),
        ("allkeys-lru", "0", "info"),
    ],
)
def test_eviction_is_told_by_what_it_takes(server, policy, limit, severity):
    with set_up(server, maxmemory=limit, **{"maxmemory-policy": policy}):
        assert findings(server.tcp_url)["eviction"].severity == severity


def test_memory_that_is_full_is_told(server):
    with set_up(server, maxmemory=1):
        found = findings(server.tcp_url)

    assert found["memory_nearly_full"].severity == "error"
    assert "LPUSH" in found["memory_full"].evidence["refused"]
    assert not found.keys() & {"rights_missing", "commands_refused"}


def test_memory_that_is_nearly_full_is_a_warning(server):
    client = server.client()
    client.setrange("large", 20 << 20, b"x")
    used = client.info("memory")["used_memory"]
    client.close()

    with set_up(server, maxmemory=int(used * 1.06)):
        assert findings(server.tcp_url)["memory_nearly_full"].severity == "warning"


def test_a_redis_that_saves_nothing_is_told(server):
    with set_up(server, save=""):
        assert findings(server.tcp_url)["persistence_off"].severity == "warning"


def test_a_redis_that_cannot_save_is_told():
    server = RedisServer("--dir", "/proc")
    client = server.client()
    try:
        client.set("a", 1)
        client.bgsave()
        eventually(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err")

        assert findings(server.tcp_url)["saving_fails"].severity == "error"
    finally:
        client.close()
        server.stop()


def test_a_wrong_clock_is_told(server):
    with Doctor(server.tcp_url, clock=WrongClock(HOUR_S)) as doctor:
        found = {each.code: each for each in doctor.examine().findings}

    assert "59m 59s ahead of" in found["clock_offset"].sentence or (
        "1h ahead of" in found["clock_offset"].sentence
    )


@pytest.mark.parametrize(
    ("less", "code", "severity"),
    [
        (["-evalsha", "-eval"], "scripts_refused", "error"),
        (["resetchannels"], "pubsub_refused", "warning"),
        (["-subscribe"], "pubsub_refused", "warning"),
        (["-time"], "time_refused", "warning"),
        (["-info"], "info_refused", "info"),
        (["-blmove", "-client|tracking"], "wake_up_refused", "warning"),
        (["-blmove"], "wake_up_limited", "info"),
        (["-lpush"], "rights_missing", "warning"),
    ],
)
def test_a_right_that_is_missing_is_told(server, less, code, severity):
    with user(server, *everything(*less)) as url:
        found = findings(url)

    assert found[code].severity == severity
    assert not found.keys() & {"commands_refused"}


def test_a_role_is_judged_by_what_it_needs(server):
    with user(server, *everything("-rpush", "-zadd")) as url:
        worker = findings(url, role="worker")["rights_missing"]
        producer = findings(url, role="producer")["rights_missing"]
        inspector = findings(url, role="inspector")

    assert worker.severity == producer.severity == "error"
    assert worker.evidence["commands"] == ["RPUSH", "ZADD"]
    assert producer.evidence["commands"] == ["ZADD"]
    assert "+zadd" in producer.advice
    assert "rights_missing" not in inspector


def test_who_only_enqueues_need_not_hear_anything(server):
    with user(server, *everything("-subscribe", "-blmove", "-client|tracking")) as url:
        producer = findings(url, role="producer")

    assert list(producer) == ["instance", "looked_at"]


def test_the_rights_of_go_lack_some_of_a_worker(server):
    with user(server, *LEAST_RIGHTS.split()) as url:
        finding = findings(url, role="worker")["rights_missing"]

    assert "UNLINK" in finding.evidence["commands"]


def test_keys_of_others_are_told_as_not_readable(server):
    with user(server, *everything("resetkeys", "~asynq:{*")) as url:
        assert findings(url)["not_readable"].severity == "warning"


def test_a_user_who_may_not_connect_gets_a_clear_error(server):
    with user(server, *everything("-ping")) as url, pytest.raises(PyasynqError, match="permit"):
        examine(url)


def test_commands_that_a_provider_takes_away_are_told():
    taken = ("LPUSH", "INFO", "TIME", "LPOS")
    server = RedisServer(*(word for name in taken for word in ("--rename-command", name, "")))
    try:
        found = examine(server.tcp_url).findings
    finally:
        server.stop()

    refused = [each for each in found if each.code == "commands_refused"]
    assert [(each.severity, each.evidence["commands"]) for each in refused] == [
        ("error", ["LPUSH"]),
        ("error", ["LPOS", "LPUSH"]),
        ("warning", ["LPOS"]),
    ]
    assert {"proxy", "time_refused"} <= {each.code for each in found}


def test_a_proxy_that_closes_connections_is_told(server, other):
    with OddProxy(server.port, other.port, key_of=lambda key: key.split(b"}")[0]) as proxy:
        found = findings(proxy.url)

    told = {"proxy", "pubsub_refused", "time_refused", "wake_up_refused"}
    assert told <= found.keys()
    assert not found.keys() & {"hash_tags_ignored", "scripts_refused", "commands_refused"}


def test_a_proxy_that_spreads_the_keys_of_a_queue_is_told(server, other):
    with OddProxy(server.port, other.port) as proxy:
        assert findings(proxy.url)["hash_tags_ignored"].severity == "error"


def test_scripts_that_may_have_but_one_key_are_told(server):
    def refuses(command):
        return command[0] in (b"EVAL", b"EVALSHA") and int(command[2]) > 1

    with OddProxy(server.port, refuses=refuses) as proxy:
        assert findings(proxy.url)["several_keys_refused"].severity == "error"


def test_scripts_that_must_declare_their_keys_are_told(server):
    def refuses(command):
        arguments = command[3 + int(command[2]) :] if command[0].startswith(b"EVAL") else []
        return any(b":tag:" in each for each in arguments[1:])

    with OddProxy(server.port, refuses=refuses) as proxy:
        assert findings(proxy.url)["undeclared_keys_refused"].severity == "error"
