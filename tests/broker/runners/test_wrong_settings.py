# Generated from test_wrong_settings_async.py by tools/unasync.py: change that file.
"""A setting that no waiting makes right is told at once; the blocking twin is generated.

No call here has a limit of time, so a setting that is taken for an outage hangs.
"""

import socket

import pytest

from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.transport import connections
from pyasynq.errors import ConfigError, RedisUnavailableError
from tests.support.chaos_proxy import ChaosProxy
from tests.support.greeting import greeting_server
from tests.support.redis_sentinel import RedisSentinel
from tests.support.rogue_server import RogueServer
from tests.support.tls_servers import TlsServer


def refusal_of(url: str, operation: Operation = PING) -> str:
    """Return the text of the ConfigError for a call of the Redis at *url*."""
    runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())
    try:
        with pytest.raises(ConfigError) as caught:
            runner.run(operation, patience_s=None)
    finally:
        runner.close()
    assert "pssst" not in str(caught.value)
    return str(caught.value)


@pytest.fixture(scope="module")
def sentinel():
    sentinel = RedisSentinel()
    yield sentinel
    sentinel.stop()


@pytest.fixture
def tls_port(tls_server):
    return tls_server.tls_port


@pytest.mark.parametrize(
    ("scheme", "user", "rest", "remedy"),
    [
        ("redis", ":pssst@", "/0", "this redis has no password; leave it out of the URL"),
        ("redis", "nobody:pssst@", "/0", "redis refuses the user or the password"),
        ("redis", "", "/99", "this redis does not have that database; give the URL another number"),
        ("rediss", "", "/0", "does not speak TLS; use redis:// in place of rediss://"),
        ("redis-cluster", "", "", "this redis is not a cluster; use a redis:// URL"),
        ("redis-cluster", ":pssst@", "", "this redis has no password; leave it out of the URL"),
        ("rediss-cluster", "", "", "does not speak TLS; use redis:// in place of rediss://"),
        ("redis-sentinel", "", "/0?master=a", "this redis is not a sentinel; use a redis:// URL"),
    ],
)
def test_a_setting_that_does_not_fit_the_server_is_told_at_once(
    scheme, user, rest, remedy, redis_server, redis_client
):
    text = refusal_of(f"{scheme}://{user}127.0.0.1:{redis_server.port}{rest}")

    assert remedy in text


@pytest.mark.parametrize(
    ("rest", "remedy"),
    [
        ("/0?master=other", "look at master=… in the URL: the sentinels know no master"),
        ("/99?master=mymaster", "this redis does not have that database"),
        ("/0?master=mymaster&password=pssst", "this redis has no password"),
        ("/0?master=mymaster&sentinel_password=pssst", "leave sentinel_password out of the URL"),
    ],
)
def test_a_setting_that_does_not_fit_the_sentinels_or_the_master_is_told_at_once(
    rest, remedy, sentinel
):
    text = refusal_of(f"redis-sentinel://127.0.0.1:{sentinel.port}{rest}")

    assert remedy in text


def test_a_cluster_behind_a_url_of_a_single_server_is_told_at_once(cluster):
    first = cluster.nodes[0].port
    # The slot of "foo" is 12182, in the third of three equal parts.
    write = Operation("SET", ("foo",), ("1",), bool, Repeat.SAFE)

    moved = refusal_of(f"redis://127.0.0.1:{first}/0", write)
    database = refusal_of(f"redis://127.0.0.1:{first}/1")

    assert "this redis is a node of a cluster; use a redis-cluster:// URL" in moved
    assert "this redis does not have that database" in database


@pytest.mark.parametrize(
    "greeting",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"<html>400</html>\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"220 mail.example.com ESMTP\r\n",
        b"ERROR\r\n",
        b"J\x00\x00\x00\n8.0.36\x00",
    ],
)
@pytest.mark.parametrize("scheme", ["redis", "redis-cluster", "redis-sentinel"])
def test_a_server_that_is_not_a_redis_is_told_at_once(greeting, scheme):
    with greeting_server(greeting) as port:
        rest = "/0?master=a" if scheme == "redis-sentinel" else ""
        text = refusal_of(f"{scheme}://127.0.0.1:{port}{rest}")

    assert "what answers there is not a redis; look at host and port" in text


def test_a_redis_that_is_open_to_its_own_machine_only_is_told_at_once():
    with greeting_server(b"-DENIED Redis is running in protected mode.\r\n") as port:
        text = refusal_of(f"redis://127.0.0.1:{port}")

    assert "takes no connections from other machines" in text


def test_a_user_without_the_rights_that_a_connection_needs_is_told_at_once(
    redis_server, redis_client
):
    redis_client.execute_command("ACL", "SETUSER", "poor", "reset", "on", ">pssst", "~*", "+ping")

    text = refusal_of(f"redis://poor:pssst@127.0.0.1:{redis_server.port}/3")

    assert "redis does not permit this user what every connection needs" in text
    assert "select" in text


def test_a_user_without_the_right_to_name_a_connection_needs_none(redis_server, redis_client):
    redis_client.execute_command("ACL", "SETUSER", "poor", "reset", "on", ">pssst", "~*", "+ping")

    url = f"redis://poor:pssst@127.0.0.1:{redis_server.port}/0"
    runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())
    try:
        assert runner.run(PING) is None
    finally:
        runner.close()


def test_a_url_without_tls_for_a_port_that_answers_in_tls_is_told_at_once():
    with greeting_server(b"\x15\x03\x01\x00\x02\x02\x46") as port:  # a fatal alert
        text = refusal_of(f"redis://127.0.0.1:{port}/0")

    assert "what answers there speaks TLS; use rediss://" in text


@pytest.mark.needs("redis-server", "openssl")
@pytest.mark.parametrize(
    ("files", "remedy"),
    [
        ({"ca_file": ""}, "is not trusted; name its authority (ca_file=…)"),
        ({"ca_file": "other.pem"}, "is not trusted; name its authority (ca_file=…)"),
        ({"ca_file": "client.key"}, "a file does not hold what TLS needs, in PEM form"),
        ({"cert_file": "client.key"}, "a file does not hold what TLS needs, in PEM form"),
        ({"cert_file": "", "key_file": ""}, "wants a certificate of yours that it trusts (cert_f"),
        (
            {"cert_file": "stranger.pem", "key_file": "stranger.key"},
            "wants a certificate of yours that it trusts (cert_file=…",
        ),
        ({"cert_file": "expired.pem"}, "our certificate has expired, as this redis says; renew it"),
        ({"key_file": "stranger.key"}, "key_file is not the private key of cert_file"),
        ({"key_file": "encrypted.key"}, "name the password of key_file (key_password_file=…, or"),
        (
            {"key_file": "encrypted.key", "key_password": "wrong"},
            "or key_file has another password",
        ),
    ],
)
def test_certificates_that_do_not_fit_are_told_at_once(files, remedy, tls_server, certificates):
    folder = certificates.authority.parent
    given = {
        name: value and (folder / value if name.endswith("_file") else value)
        for name, value in files.items()
    }

    assert remedy in refusal_of(tls_server.tls_url(**given))


@pytest.mark.needs("redis-server", "openssl")
def test_a_name_that_is_not_in_the_certificate_is_told_at_once(tls_port, certificates):
    text = refusal_of(f"rediss://127.1:{tls_port}/0?{certificates.query()}")

    assert "is for another host; use the name that it is for" in text


@pytest.mark.needs("redis-server", "openssl")
@pytest.mark.parametrize("scheme", ["redis", "redis-cluster", "redis-sentinel"])
@pytest.mark.parametrize("user", ["", ":pssst@"])
def test_a_url_without_tls_for_a_port_with_tls_is_told_at_once(scheme, user, tls_port):
    rest = "/0?master=a" if scheme == "redis-sentinel" else ""

    text = refusal_of(f"{scheme}://{user}127.0.0.1:{tls_port}{rest}")

    assert "what answers there speaks TLS; use rediss:// in place of redis://" in text


@pytest.mark.needs("redis-server", "openssl")
def test_a_server_whose_tls_is_too_old_is_told_at_once(certificates):
    server = TlsServer(certificates, "--tls-protocols", "TLSv1.2")
    try:
        text = refusal_of(server.tls_url() + "&min_tls_version=1.3")
        nameless = refusal_of(server.tls_url(cert_file="", key_file=""))
    finally:
        server.stop()

    assert "does not speak a version of TLS that we accept; see min_tls_version=…" in text
    assert "this redis wants a certificate of yours (cert_file=… and key_file=…)" in nameless


@pytest.mark.slow
@pytest.mark.needs("redis-server", "openssl")
def test_a_port_with_tls_that_answers_late_is_reached_by_the_first_try(
    tls_port, certificates, monkeypatch
):
    monkeypatch.setattr(connections, "FIRST_SILENCE_S", 0.2)
    with ChaosProxy(tls_port) as proxy:
        proxy.delay_s = 0.3  # longer than what makes us look whether there is any TLS
        url = f"rediss://127.0.0.1:{proxy.port}/0?{certificates.query()}"
        runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())

        runner.run(PING, patience_s=0)

        runner.close()


def test_a_path_that_is_no_socket_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("text")
    long = "x" * 200

    for path in (tmp_path, tmp_path / "file", tmp_path / long):
        assert "look at the path in the URL" in refusal_of(f"unix://{path}")


def test_a_socket_of_another_kind_is_told_at_once(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / "s"))

        text = refusal_of(f"unix://{tmp_path / 's'}")

    assert "look at the path in the URL" in text


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "a..example"])
def test_a_host_that_cannot_be_a_name_is_told_at_once(host):
    assert "is not a name" in refusal_of(f"redis://{host}/0")


@pytest.mark.parametrize(
    "url",
    [
        "redis://127.0.0.1:1/0",
        "rediss://127.0.0.1:1/0",
        "unix:///nowhere/redis.sock",
        "redis://name.invalid/0",
        "redis-sentinel://127.0.0.1:1/0?master=a",
        "redis-cluster://127.0.0.1:1",
    ],
)
def test_what_may_only_be_down_is_no_wrong_setting(url):
    runner = Runner(Connector.of(url).open_sync(), clock=SystemClock())

    with pytest.raises(RedisUnavailableError):
        runner.run(PING, patience_s=0)

    runner.close()


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading the dataset"),
        (b"-MASTERDOWN Link with MASTER is down\r\n", "Link with MASTER is down"),
        (b"-ERR max number of clients reached\r\n", "max number of clients"),
    ],
)
def test_a_redis_that_is_not_ready_yet_is_no_wrong_setting(reply, text):
    with greeting_server(reply) as port:
        runner = Runner(Connector.of(f"redis://127.0.0.1:{port}").open_sync(), clock=SystemClock())

        with pytest.raises(RedisUnavailableError, match=text):
            runner.run(PING, patience_s=0)

        runner.close()


def test_an_answer_that_makes_no_sense_does_not_deny_that_the_write_may_have_happened():
    """Only before anything was sent it is known that nothing was done."""

    def answer_nonsense(peer):
        peer.read()
        peer.send(b"nonsense\r\n")

    with RogueServer(answer_nonsense) as server:
        runner = Runner(Connector.of(server.url).open_sync(), clock=SystemClock())
        write = Operation("SET", ("key",), ("1",), bool, Repeat.NEVER)

        with pytest.raises(RedisUnavailableError) as caught:
            runner.run(write, patience_s=0)

        assert caught.value.may_have_happened is True
        runner.close()


def test_a_file_of_tls_that_cannot_be_read_is_told_before_anything_is_connected():
    with pytest.raises(ConfigError, match=r"'/nowhere/ca\.pem', which the URL names for TLS"):
        Connector.of("rediss://127.0.0.1:1/0?ca_file=/nowhere/ca.pem")
