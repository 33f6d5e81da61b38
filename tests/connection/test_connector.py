import subprocess
import sys
from typing import Any

import pytest
import redis
import redis.asyncio
import redis.sentinel

from pyasynq.connection.connector import Connector
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError


class Provider(redis.CredentialProvider):
    def get_credentials(self) -> tuple[str, str]:
        return "me", "word"


def settings_of(client: Any) -> dict[str, Any]:
    """Settings of a client's connections, without opening one."""
    connection = client.connection_pool.make_connection()
    settings: dict[str, Any] = {**client.connection_pool.connection_kwargs}
    settings["class"] = type(connection).__name__
    return settings


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("redis://h:7000/2", "Connection"),
        ("rediss://h", "SSLConnection"),
        ("unix:///run/r.sock", "UnixDomainSocketConnection"),
    ],
)
@pytest.mark.parametrize("opener", ["open_sync", "open_async"])
def test_client_speaks_resp2_in_bytes_and_never_repeats(url: str, kind: str, opener: str) -> None:
    client = getattr(Connector.of(url), opener)()

    settings = settings_of(client)

    assert settings["class"] == kind
    assert settings["protocol"] == 2
    assert settings["decode_responses"] is False
    assert settings["retry"].get_retries() == 0
    assert settings["driver_info"] is None
    assert settings["client_name"] == "pyasynq"
    assert settings["socket_connect_timeout"] == 5.0
    assert settings["socket_timeout"] == 5.0


def test_socket_timeout_of_one_client_wins_over_the_options() -> None:
    client = Connector.of("redis://h?socket_timeout=3").open_sync(socket_timeout_s=8.5)

    assert settings_of(client)["socket_timeout"] == 8.5


def test_tls_verifies_the_certificate_and_the_name_unless_told_otherwise() -> None:
    strict = settings_of(Connector.of("rediss://h?ca_file=/ca.pem").open_sync())
    lax = settings_of(Connector.of("rediss://h?verify=none").open_sync())

    assert strict["ssl_cert_reqs"] == "required"
    assert strict["ssl_check_hostname"] is True
    assert strict["ssl_ca_certs"] == "/ca.pem"
    assert lax["ssl_cert_reqs"] == "none"
    assert lax["ssl_check_hostname"] is False


@pytest.mark.parametrize("library", [redis, redis.asyncio])
@pytest.mark.parametrize("opener", ["open_sync", "open_async"])
def test_users_client_is_cloned_but_for_decoding_protocol_and_retries(
    library: Any, opener: str
) -> None:
    given = library.Redis(
        host="h", port=7000, db=3, username="me", password="word", decode_responses=True, protocol=3
    )

    settings = settings_of(getattr(Connector.of(given), opener)())

    kept = {name: settings[name] for name in ("host", "port", "db", "username", "password")}
    assert kept == {"host": "h", "port": 7000, "db": 3, "username": "me", "password": "word"}
    assert settings["decode_responses"] is False
    assert settings["protocol"] == 2
    assert settings["retry"].get_retries() == 0


@pytest.mark.parametrize("library", [redis, redis.asyncio])
@pytest.mark.parametrize("opener", ["open_sync", "open_async"])
def test_tls_of_a_users_client_is_kept(library: Any, opener: str) -> None:
    given = library.Redis(host="h", ssl=True, ssl_ca_certs="/ca.pem")

    settings = settings_of(getattr(Connector.of(given), opener)())

    assert settings["class"] == "SSLConnection"
    assert settings["ssl_ca_certs"] == "/ca.pem"
    assert settings["ssl_cert_reqs"] == "required"


def test_credential_provider_and_name_of_a_users_client_are_kept() -> None:
    provider = Provider()
    given = redis.Redis(host="h", credential_provider=provider, client_name="shop")

    settings = settings_of(Connector.of(given).open_async())

    assert settings["credential_provider"] is provider
    assert settings["client_name"] == "shop"


def test_socket_of_a_users_client_is_kept() -> None:
    given = redis.Redis(unix_socket_path="/run/r.sock", db=4)

    settings = settings_of(Connector.of(given).open_async())

    assert settings["class"] == "UnixDomainSocketConnection"
    assert settings["path"] == "/run/r.sock"
    assert settings["db"] == 4


@pytest.mark.parametrize(
    "given",
    [
        redis.sentinel.Sentinel([("h", 1)]).master_for("main"),
        redis.RedisCluster.__new__(redis.RedisCluster),
        object(),
        7,
    ],
    ids=["sentinel", "cluster", "object", "number"],
)
def test_client_that_cannot_be_cloned_is_refused_with_a_way_out(given: Any) -> None:
    with pytest.raises(ConfigError, match=r"cannot take over .*; pass a URL"):
        Connector.of(given)


def test_password_is_not_in_the_description_of_a_users_client() -> None:
    connector = Connector.of(redis.Redis(host="h", password="hunter2"))

    assert connector.description == "h:6379/0 (as your client)"


def test_connector_of_a_connector_is_itself() -> None:
    connector = Connector.of(ConnectionOptions(namespace="shop"))

    assert Connector.of(connector) is connector
    assert connector.namespace == "shop"


def test_importing_connections_does_not_import_redis() -> None:
    program = (
        "import sys; import pyasynq.connection.connector, pyasynq.connection.subscription; "
        "print(sorted({'redis', 'google'} & sys.modules.keys()))"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)

    assert said.stdout == b"[]\n"
