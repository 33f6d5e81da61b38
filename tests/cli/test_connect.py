"""Go's flags mean the same Redis as a URL does."""

import pytest

from pyasynq.cli.connect import url_of_flags
from pyasynq.connection.options import ConnectionOptions
from tests.support.redis_server import RedisServer


@pytest.mark.parametrize(
    ("flags", "url"),
    [
        ({"uri": "box:6380"}, "redis://box:6380/0"),
        ({"db": 2}, "redis://127.0.0.1:6379/2"),
        ({"uri": "rediss://box/3?verify=none"}, "rediss://box/3?verify=none"),
        ({"username": "a b", "password": "p@s/s"}, "redis://a%20b:p%40s%2Fs@127.0.0.1:6379/0"),
        ({"password": "pw"}, "redis://:pw@127.0.0.1:6379/0"),
        ({"uri": "box:1", "tls": True}, "rediss://box:1/0"),
        ({"uri": "box:1", "tls_server": "box"}, "rediss://box:1/0"),
        ({"uri": "box:1", "insecure": True}, "rediss://box:1/0?verify=none"),
        ({"cluster_addrs": "a:1,b:2"}, "redis-cluster://a:1,b:2/0"),
        (
            {"cluster": True, "cluster_addrs": "a:1", "tls": True, "password": "p"},
            "rediss-cluster://:p@a:1/0",
        ),
        (
            {"cluster": True},
            f"redis-cluster://{','.join(f'127.0.0.1:{port}' for port in range(7000, 7006))}/0",
        ),
    ],
)
def test_flags_of_go_mean_a_url(flags, url):
    assert url_of_flags(flags) == url
    ConnectionOptions.from_url(url)


@pytest.fixture
def port(redis_server: RedisServer) -> int:
    return redis_server.port


@pytest.mark.parametrize("is_first", [True, False])
def test_they_stand_before_or_after_the_command(cli, redis_client, port, monkeypatch, is_first):
    redis_client.sadd("asynq:queues", "mail")
    monkeypatch.delenv("PYASYNQ_REDIS_URL")
    flags, command = ["-u", f"127.0.0.1:{port}", "-n", "0"], ["queue", "ls"]

    done = cli(*flags, *command) if is_first else cli(*command, *flags)

    assert done == (0, "mail\n", "")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--redis-url", "redis://x", "-n", "1"], "--redis-url and --db contradict each other"),
        (["-u", "redis://x", "--tls"], "--uri is a URL, which says all; leave out --tls"),
        (["-u", "x:1", "--tls_server", "y"], "--tls_server must be the host of the address"),
        (["-n", "1"], "--db would not go to the redis that PYASYNQ_REDIS_URL"),
        (["-n", "-1"], "-1 is not in the range"),
    ],
)
def test_flags_that_contradict_each_other_are_wrong_usage(cli, flags, told):
    done = cli("queue", "ls", *flags)

    assert (done.code, done.out) == (2, "")
    assert told in done.err


def test_a_password_in_a_flag_never_shows(cli, port):
    done = cli("queue", "ls", "-u", f"127.0.0.1:{port}", "-p", "hunter2")

    assert done.code == 2
    assert "hunter2" not in done.out + done.err


@pytest.fixture
def locked(own_redis, monkeypatch):
    """URL of a Redis that needs the password."""
    client = own_redis.client()
    client.sadd("asynq:queues", "mail")
    client.config_set("requirepass", "hunter/2")
    client.close()
    monkeypatch.setenv("PYASYNQ_REDIS_URL", own_redis.tcp_url)
    return own_redis.tcp_url


def test_a_password_comes_from_a_file_or_the_environment(cli, locked, monkeypatch, tmp_path):
    monkeypatch.setenv("PYASYNQ_REDIS_URL", locked)
    (tmp_path / "secret").write_text("hunter/2\n")
    file = str(tmp_path / "secret")

    without = cli("queue", "ls")
    flag = cli("queue", "ls", "--password-file", file)
    first = cli("--password-file", file, "queue", "ls")
    beside = cli("queue", "ls", "-u", locked.removeprefix("redis://")[:-2], "--password-file", file)
    monkeypatch.setenv("PYASYNQ_REDIS_PASSWORD_FILE", file)
    from_file = cli("queue", "ls")
    monkeypatch.delenv("PYASYNQ_REDIS_PASSWORD_FILE")
    monkeypatch.setenv("PYASYNQ_REDIS_PASSWORD", "hunter/2")
    named, told = cli("queue", "ls"), cli("queue", "ls", "--redis-url", locked)

    assert without.code == 2
    for done in (flag, first, beside, from_file, named, told):
        assert done == (0, "mail\n", "")


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--password-file", "/nowhere"], "'/nowhere' cannot be read"),
        (["--ask-password"], "--ask-password needs a terminal"),
        (["--ask-password", "--password-file", "x"], "more than one password"),
        (["--redis-url", "redis://:hunter2@x", "--password-file", "x"], "more than one password"),
        (["-p", "hunter2", "-u", "x:1", "--ask-password"], "more than one password"),
    ],
)
def test_a_password_that_cannot_be_had_is_wrong_usage(cli, flags, told):
    done = cli("queue", "ls", *flags)

    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "hunter2" not in done.err


def test_a_password_needs_a_redis(cli, monkeypatch, tmp_path):
    monkeypatch.delenv("PYASYNQ_REDIS_URL")
    monkeypatch.chdir(tmp_path)

    done = cli("queue", "ls", "--ask-password")

    assert done.code == 2
    assert "name the redis of the password, too" in done.err


def test_a_wrong_password_is_never_shown(cli, locked, monkeypatch):
    monkeypatch.setenv("PYASYNQ_REDIS_URL", locked)
    monkeypatch.setenv("PYASYNQ_REDIS_PASSWORD", "swordfish")
    monkeypatch.setenv("PYASYNQ_DEBUG", "1")

    for arguments in (["queue", "ls"], ["stats"], ["health"]):
        done = cli(*arguments)
        assert done.code == 2
        assert "swordfish" not in done.out + done.err


@pytest.mark.slow
def test_a_password_is_asked_for_and_not_shown(on_terminal, locked):
    done = on_terminal(
        *("queue", "ls", "--ask-password"),
        typed="hunter/2\n",
        prompt="Password of Redis: ",
        PYASYNQ_REDIS_URL=locked,
    )

    assert done.code == 0
    assert "Password of Redis:" in done.out
    assert done.out.endswith("mail\n")
