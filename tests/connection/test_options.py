from typing import Any

import pytest

from pyasynq.connection.connector import Connector
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://", ConnectionOptions()),
        ("redis://cache", ConnectionOptions(hosts=(("cache", 6379),))),
        ("REDIS://cache:7000/3", ConnectionOptions(hosts=(("cache", 7000),), db=3)),
        ("redis://[::1]:7000", ConnectionOptions(hosts=(("::1", 7000),))),
        ("redis://[fe80::1]", ConnectionOptions(hosts=(("fe80::1", 6379),))),
        (
            "redis://me:p%40ss%2Fw%3A%3F@cache",
            ConnectionOptions(username="me", password="p@ss/w:?", hosts=(("cache", 6379),)),
        ),
        ("redis://:word@cache", ConnectionOptions(password="word", hosts=(("cache", 6379),))),
        (
            "rediss://cache?verify=none&ca_file=/ca.pem",
            ConnectionOptions(tls=True, verify=False, ca_file="/ca.pem", hosts=(("cache", 6379),)),
        ),
        (
            "rediss://cache?cert_file=c.pem&key_file=k.pem&verify=full",
            ConnectionOptions(
                tls=True, cert_file="c.pem", key_file="k.pem", hosts=(("cache", 6379),)
            ),
        ),
        ("unix:///run/r.sock?db=2", ConnectionOptions(kind="unix", path="/run/r.sock", db=2)),
        ("redis-socket:///run/r.sock", ConnectionOptions(kind="unix", path="/run/r.sock")),
        ("unix:///run/a@b.sock", ConnectionOptions(kind="unix", path="/run/a@b.sock")),
        (
            "unix://me:word@/run/r.sock",
            ConnectionOptions(kind="unix", path="/run/r.sock", username="me", password="word"),
        ),
        (
            "redis-sentinel://:word@a,b:7001,[::1]/4?master=main&sentinel_username=me&sentinel_password=a%2Bb%26c%25",
            ConnectionOptions(
                kind="sentinel",
                hosts=(("a", 26379), ("b", 7001), ("::1", 26379)),
                db=4,
                password="word",
                master="main",
                sentinel_username="me",
                sentinel_password="a+b&c%",
            ),
        ),
        (
            "rediss-cluster://a:1,b:2",
            ConnectionOptions(kind="cluster", tls=True, hosts=(("a", 1), ("b", 2))),
        ),
        (
            "redis://h?connect_timeout=0.5&socket_timeout=9&max_connections=4&namespace=x&client_name=y&busy_wait=no&proxy=yes",
            ConnectionOptions(
                hosts=(("h", 6379),),
                connect_timeout_s=0.5,
                socket_timeout_s=9.0,
                max_connections=4,
                namespace="x",
                client_name="y",
                busy_wait=False,
                proxy=True,
            ),
        ),
        ("valkey://cache:7000", ConnectionOptions(hosts=(("cache", 7000),))),
        ("valkeys://cache", ConnectionOptions(tls=True, hosts=(("cache", 6379),))),
        (
            "rediss://cache?ssl_cert_reqs=CERT_NONE&ssl_check_hostname=False",
            ConnectionOptions(tls=True, verify=False, hosts=(("cache", 6379),)),
        ),
        (
            "rediss://cache?ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs=/ca.pem&ssl_certfile=c.pem&ssl_keyfile=k.pem&socket_connect_timeout=3",
            ConnectionOptions(
                tls=True,
                ca_file="/ca.pem",
                cert_file="c.pem",
                key_file="k.pem",
                connect_timeout_s=3.0,
                hosts=(("cache", 6379),),
            ),
        ),
        (
            "redis://cache?protocol=3&health_check_interval=30&decode_responses=True&encoding=utf-8",
            ConnectionOptions(hosts=(("cache", 6379),)),
        ),
        ("embedded:", ConnectionOptions(kind="embedded")),
        ("embedded:data", ConnectionOptions(kind="embedded", path="data")),
        ("embedded:/var/data", ConnectionOptions(kind="embedded", path="/var/data")),
    ],
)
def test_url_is_read(url: str, expected: ConnectionOptions) -> None:
    options = ConnectionOptions.from_url(url)

    assert options == expected


@pytest.mark.parametrize(
    ("url", "faults"),
    [
        (
            "redsi://h",
            ("a redis URL cannot begin with 'redsi'; did you mean redis:",),
        ),
        ("redis://h?data_base=1&db=x", ("a redis URL has no setting 'data_base'", "db must be")),
        (
            "redis://h?sockettimeout=1",
            ("a redis URL has no setting 'sockettimeout'; did you mean 'socket_timeout'",),
        ),
        (
            "redis://h:0/-1?socket_timeout=soon&verify=maybe&max_connections=0",
            (
                "socket_timeout must be a number of seconds, not 'soon'",
                "verify must be none or full, not 'maybe'",
                "port must be from 1 to 65535, not 0",
                "db must be 0 or more, not -1",
                "max_connections must be 1 or more, not 0",
            ),
        ),
        (
            "rediss://h?ssl_cert_reqs=optional&ssl_check_hostname=false",
            (
                "ssl_cert_reqs must be none or required, not 'optional'; ours is verify=none",
                "ssl_check_hostname cannot be false alone; verify=none trusts any certificate",
            ),
        ),
        ("redis://h?ssl_cert_reqs=none", ("verify needs TLS",)),
        ("redis://h?ssl_ca_cert=x", ("a redis URL has no setting 'ssl_ca_cert'; did you",)),
        ("redis://h?socket_timeout=nan", ("socket_timeout_s must be more than 0",)),
        ("redis://h:port", ("port must be a number, not 'port'",)),
        ("redis://a,,b", ("the host is empty", "several hosts need a redis-sentinel://")),
        ("redis://a,b", ("several hosts need a redis-sentinel://",)),
        ("redis://h?namespace=a%7Bb%7D", ("namespace must not be blank",)),
        ("redis://h?busy_wait=maybe", ("busy_wait must be yes or no, not 'maybe'",)),
        ("redis://h?proxy=maybe", ("proxy must be yes or no, not 'maybe'",)),
        ("redis://h?durability=yes", ("durability must be replicated, or empty, not 'yes'",)),
        ("redis://h?replicas=2", ("replicas needs durability=replicated",)),
        ("redis://h?durability=replicated&replicas=0", ("replicas must be 1 or more, not 0",)),
        (
            "redis://h?durability=replicated&replication_timeout=5",
            ("replication_timeout_s must be from 0.01 to less than socket_timeout_s, not 5.0",),
        ),
        ("rediss://h?min_tls_version=1.1", ("min_tls_version must be 1.2 or 1.3, not '1.1'",)),
        ("redis://h?min_tls_version=1.3", ("min_tls_version needs TLS",)),
        ("rediss://h?key_password=a", ("the password of a private key needs key_file",)),
        (
            "rediss://h?cert_file=c&key_file=k&key_password=a&key_password_file=b",
            ("key_password and key_password_file contradict each other",),
        ),
        ("redis-cluster://h?proxy=yes", ("proxy needs a redis://, rediss:// or unix:// URL",)),
        ("redis://h/2?proxy=yes", ("a proxy knows database 0 only",)),
        ("redis://h?client_name=my%20app", ("client_name must not hold spaces",)),
        ("redis://h?ca_file=/ca.pem", ("ca_file needs TLS",)),
        ("rediss://h?cert_file=c.pem", ("cert_file and key_file belong together",)),
        ("redis-sentinel://a,b", ("sentinel needs the name of the master",)),
        ("redis-sentinel://a?master=", ("sentinel needs the name of the master",)),
        ("redis-sentinel://a?master=my%20master", ("master must not hold spaces",)),
        ("redis-sentinel://a?master=m%00", ("master must not hold spaces or special",)),
        ("redis-sentinel://a:x,b:0?master=m", ("port must be a number", "port must be from 1")),
        ("redis-sentinel://a?master=m&sentinel_user=x", ("a redis URL has no setting 'sent",)),
        ("redis://a?master=m", ("master needs a redis-sentinel://",)),
        (
            f"redis-cluster://a?sentinel_username=x&sentinel_password={SECRET}",
            ("sentinel_username needs a redis-sent", "sentinel_password needs a redis-sent"),
        ),
        ("redis-cluster://a/1", ("a cluster has only database 0",)),
        ("unix://", ("a unix URL needs the path of the socket",)),
        ("redis://my host", ("'my host' is not a host: it holds spaces",)),
        ("redis://my%20host", ("'my host' is not a host",)),
        ("redis-cluster://a, b\t", ("' b\\t' is not a host",)),
        ("redis-sentinel://a\x00,b?master=m", ("'a\\x00' is not a host",)),
        ("redis://h#part", ("'h#part' is not a host",)),
        ("redis://h:\uff16\uff13/1_0", ("port must be a number", "db must be a number")),
        (f"redis://h/{'9' * 5000}", ("db must be a number, not '999999999999999999999999999999'",)),
        ("", ("a redis URL must not be blank; write redis://127.0.0.1:6379/0",)),
    ],
)
def test_every_fault_of_a_url_is_named(url: str, faults: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as raised:
        ConnectionOptions.from_url(url)

    found = raised.value.faults
    assert len(found) == len(faults), found
    assert all(fault.startswith(start) for fault, start in zip(found, faults, strict=True)), found


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        (" ", "a redis URL must not be blank; write redis://127.0.0.1:6379/0"),
        ("localhost", "cannot begin with 'localhost'; did you mean redis://localhost?"),
        ("localhost:6379/1", "did you mean redis://localhost:6379/1?"),
        ("127.0.0.1", "did you mean redis://127.0.0.1?"),
        ("redis.example.com:6379", "did you mean redis://redis.example.com:6379?"),
        ("cache:6379", "did you mean redis://cache:6379?"),
        ("[::1]:6379", "did you mean redis://[::1]:6379?"),
        ("/run/redis.sock", "did you mean unix:///run/redis.sock?"),
        ("u:geheim@h:6379", "begins with redis://, as in redis://user:password@localhost:6379"),
        ("geheim@h", "begins with redis://, as in redis://user:password@localhost:6379"),
    ],
)
def test_a_url_without_its_beginning_is_told_with_it_but_not_its_password(url, fault):
    with pytest.raises(ConfigError) as raised:
        ConnectionOptions.from_url(url)

    assert str(raised.value).endswith(fault)
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"kind": "redis"}, "kind must be one of standalone, "),
        ({"hosts": "localhost"}, "hosts must be a tuple of"),
        ({"hosts": (("localhost", "6379"),)}, "hosts must be a tuple of"),
        ({"hosts": [("localhost", 6379)]}, "hosts must be a tuple of"),
        ({"hosts": ()}, "hosts must name at least one host"),
        ({"db": "0"}, "db must be a whole number, not str"),
        ({"db": True}, "db must be a whole number, not bool"),
        ({"password": None}, "password must be text, not NoneType"),
        ({"path": 3}, "path must be text, not int"),
        ({"tls": "yes"}, "tls must be True or False, not str"),
        ({"socket_timeout_s": "5"}, "socket_timeout_s must be a number of seconds, not str"),
        ({"max_connections": 1.5}, "max_connections must be a whole number or None, not float"),
        ({"namespace": 5}, "namespace must be text, not int"),
    ],
)
def test_an_option_of_a_wrong_type_is_named(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ConnectionOptions(**given)

    (found,) = raised.value.faults
    assert found.startswith(fault)


@pytest.mark.parametrize("url", [None, 7, b"redis://h", ["redis://h"]])
def test_a_url_must_be_text(url: Any) -> None:
    with pytest.raises(ConfigError, match="a redis URL must be text, not"):
        ConnectionOptions.from_url(url)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://me:{SECRET}@h:0",
        f"redis://me:a/{SECRET}@h",
        f"redis://me:a?{SECRET}@h",
        f"redis://me:a?db={SECRET}@h",
        f"redis://me:a/db?x={SECRET}@h",
        f"unix://me:a/{SECRET}@/run/r.sock",
        f"unix://me:a?{SECRET}@/run/r.sock",
        f"unix:///me:{SECRET}@/run/r.sock",
        f"redis://me:{SECRET}@h/x?password={SECRET}&passwd=x",
    ],
)
def test_error_of_a_wrong_url_does_not_show_the_password(url: str) -> None:
    with pytest.raises(ConfigError) as raised:
        ConnectionOptions.from_url(url)

    assert SECRET not in str(raised.value)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__ or raised.value.__context__ is None


@pytest.mark.parametrize(
    ("url", "description"),
    [
        (f"redis://me:{SECRET}@h:7000/2", "redis://me@h:7000/2"),
        (f"rediss://:{SECRET}@[::1]", "rediss://[::1]:6379/0"),
        (f"unix://:{SECRET}@/run/r.sock?db=1", "unix:///run/r.sock?db=1"),
        (
            f"redis-sentinel://a,b:1/0?master=m&sentinel_password={SECRET}",
            "redis-sentinel://a:26379,b:1/0",
        ),
        ("embedded:", "an embedded redis"),
    ],
)
def test_description_says_where_redis_is_without_the_password(url: str, description: str) -> None:
    options = ConnectionOptions.from_url(url)

    assert options.describe() == description
    assert str(options) == description
    assert SECRET not in repr(options)


def test_url_of_the_environment_counts_when_none_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://elsewhere:7000/1")

    connector = Connector.of(None)

    assert connector.description == "redis://elsewhere:7000/1"


def test_redis_of_this_machine_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYASYNQ_REDIS_URL", raising=False)

    connector = Connector.of(None)

    assert connector.description == "redis://127.0.0.1:6379/0"
