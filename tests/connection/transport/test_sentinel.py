"""Real sentinels that need a password: who may ask them, and those that are away or frozen."""

import contextlib
from urllib.parse import quote

import pytest

from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.task import Task
from tests.support.certificates import make_certificates
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tests.support.redis_sentinel import PASSWORD, SENTINEL_PASSWORD, RedisSentinel

LONG_S = 60.0  # of patience, for a machine that does much else


async def enqueue(url: str, form: str, *, patience: float = LONG_S) -> None:
    if form == "async":
        async with AsyncClient(url, enqueue_patience=patience) as client:
            await client.enqueue(Task("email"))
    else:
        with Client(url, enqueue_patience=patience) as client:
            client.enqueue(Task("email"))


def pending(sentinels: RedisSentinel) -> int:
    with sentinels.master.client() as client:
        return int(client.llen("asynq:{default}:pending"))


def pending_at(*nodes) -> int:
    count = 0
    for node in nodes:
        with node.client() as client:
            count += int(client.llen("asynq:{default}:pending"))
    return count


@contextlib.contextmanager
def frozen(*processes):
    for each in processes:
        each.freeze()
    try:
        yield
    finally:
        for each in processes:
            each.thaw()


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_master_and_sentinels_have_passwords_of_their_own(sentinels, form):
    await enqueue(sentinels.url(), form)

    assert pending(sentinels) == 1


async def test_the_default_user_of_the_sentinels_needs_no_name(sentinels):
    await enqueue(sentinels.url(sentinel_username="default"), "blocking")
    url = sentinels.url().replace("&sentinel_username=watcher", "")
    await enqueue(url, "blocking")

    assert pending(sentinels) == 2


@pytest.mark.parametrize("form", ["async", "blocking"])
@pytest.mark.parametrize(
    "given",
    [
        {"sentinel_password": "wrong-pssst"},
        {"sentinel_username": "nobody"},
        {"sentinel_username": "", "sentinel_password": ""},
    ],
)
async def test_a_wrong_password_of_the_sentinels_is_told_as_theirs(sentinels, form, given):
    with pytest.raises(ConfigError) as caught:
        await enqueue(sentinels.url(**given), form)

    text = str(caught.value)
    assert "look at sentinel_username=… and sentinel_password=… in the URL" in text
    assert "a sentinel refuses the user or the password" in text
    assert f"127.0.0.1:{sentinels.port}" in text
    assert not [each for each in (PASSWORD, SENTINEL_PASSWORD, "pssst") if each in text]


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_a_wrong_password_of_the_master_is_told_as_that_of_redis(sentinels, form):
    url = sentinels.url().replace(f":{quote(PASSWORD, safe='')}@", ":other-pssst@")

    with pytest.raises(ConfigError) as caught:
        await enqueue(url, form)

    text = str(caught.value)
    assert "redis refuses the user or the password" in text
    assert "sentinel" not in text
    assert not [each for each in (PASSWORD, SENTINEL_PASSWORD, "pssst") if each in text]


async def test_a_user_of_the_sentinels_without_rights_is_told_so(sentinels):
    for each in sentinels.sentinels:
        with each.client() as client:
            client.acl_setuser("poor", enabled=True, passwords=["+poor"], commands=["+ping"])

    with pytest.raises(ConfigError, match="named by sentinel_username=… more rights on the sen"):
        await enqueue(sentinels.url(sentinel_username="poor", sentinel_password="poor"), "blocking")


async def test_a_user_who_may_only_ask_for_the_address_finds_the_master(sentinels):
    rights = ["+sentinel|get-master-addr-by-name", "+subscribe", "+ping"]
    for each in sentinels.sentinels:
        with each.client() as client:
            client.acl_setuser("go", enabled=True, passwords=["+go"], commands=rights)

    await enqueue(sentinels.url(sentinel_username="go", sentinel_password="go"), "blocking")

    assert pending(sentinels) == 1


async def test_sentinels_that_nobody_may_listen_to_still_name_the_master(sentinels, caplog):
    rights = ["+sentinel|get-master-addr-by-name", "+sentinel|masters"]
    for each in sentinels.sentinels:
        with each.client() as client:
            client.acl_setuser("deaf", enabled=True, passwords=["+deaf"], commands=rights)

    async with AsyncClient(sentinels.url(sentinel_username="deaf", sentinel_password="deaf")) as me:
        await me.enqueue(Task("email"))
        await eventually_async(lambda: len(caplog.records) == len(sentinels.sentinels))

    assert "cannot listen to the sentinel" in caplog.records[0].getMessage()
    assert pending(sentinels) == 1


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_a_first_sentinel_that_is_away_does_not_hold_anybody_up(sentinels, form):
    ports = [each.port for each in sentinels.sentinels]

    await enqueue(sentinels.url_of(free_port(), *ports), form)

    assert pending(sentinels) == 1


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_frozen_sentinels_do_not_hold_anybody_up_while_another_one_answers(sentinels, form):
    with frozen(*sentinels.sentinels[:2]):
        await enqueue(sentinels.url(), form)

        assert pending_at(*sentinels.nodes)
    sentinels.until_settled()


def test_sentinels_that_are_all_frozen_are_told_when_the_patience_is_over(sentinels):
    with frozen(*sentinels.sentinels), Client(sentinels.url(), enqueue_patience=1) as client:
        with pytest.raises(RedisUnavailableError) as caught:
            client.enqueue(Task("email"))
    sentinels.until_settled()

    assert "no master 'mymaster'" in str(caught.value)


def test_tasks_go_on_while_all_sentinels_are_away(sentinels):
    with Client(sentinels.url()) as client:
        client.enqueue(Task("email"))
        for each in sentinels.sentinels:
            each.kill()
        for _ in range(20):
            client.enqueue(Task("email"))
        sentinels.until_settled()

    assert pending(sentinels) == 21


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_a_master_with_too_few_replicas_says_what_to_do(sentinels, form):
    with sentinels.master.client() as client:
        client.config_set("min-replicas-to-write", 3)
        try:
            with pytest.raises(RedisUnavailableError, match="NOREPLICAS") as caught:
                await enqueue(sentinels.url(), form, patience=0)
        finally:
            client.config_set("min-replicas-to-write", 0)

    await enqueue(sentinels.url(), form)
    assert "start replicas, or lower its min-replicas-to-write" in caught.value.hint
    assert not caught.value.may_have_happened
    assert pending(sentinels) == 1


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_master_and_sentinels_speak_tls(tls_sentinels, form):
    before = pending(tls_sentinels)

    await enqueue(tls_sentinels.url(), form)

    assert pending(tls_sentinels) == before + 1


@pytest.mark.needs("openssl")
async def test_a_certificate_of_sentinels_that_is_not_trusted_is_told(tls_sentinels):
    with pytest.raises(ConfigError, match="is not trusted; name its authority"):
        await enqueue(tls_sentinels.url(ca_file=""), "blocking")


@pytest.fixture(scope="module")
def tls_sentinels(tmp_path_factory):
    sentinels = RedisSentinel(
        password=PASSWORD,
        sentinel_password=SENTINEL_PASSWORD,
        certificates=make_certificates(tmp_path_factory.mktemp("certificates")),
    )
    yield sentinels
    sentinels.stop()
