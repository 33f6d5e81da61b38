"""Passwords come from files and the environment into URLs."""

import pytest

from pyasynq.connection import passwords
from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError

PASSWORD = "p@ss/w:o?rd é%41"


@pytest.mark.parametrize(
    "url",
    [
        "redis://box:6380/2?connect_timeout=1",
        "rediss://ann@box",
        "redis://box?client_name=a",
        "unix:///run/redis.sock?db=1",
        "redis-sentinel://ann@a:1,b:2/0?master=m",
        "redis-cluster://a:1,b:2",
        "redis://[::1]:6379/0",
    ],
)
def test_a_url_gets_the_password_and_stays_what_it_is(url):
    before = ConnectionOptions.from_url(url)

    after = ConnectionOptions.from_url(passwords.with_password(url, PASSWORD))

    assert (after.password, after.username) == (PASSWORD, before.username)
    assert (after.hosts, after.path, after.db) == (before.hosts, before.path, before.db)


@pytest.mark.parametrize(
    ("url", "has"),
    [
        ("redis://:pw@box", True),
        ("redis://ann:@box", True),
        ("redis://ann@box", False),
        ("redis://box/0", False),
        ("unix:///a:b@c", False),
        ("embedded:", False),
    ],
)
def test_a_url_that_has_a_password_is_recognised(url, has):
    assert passwords.has_password(url) == has


@pytest.mark.parametrize("text", [f"{PASSWORD}\n", PASSWORD, f"{PASSWORD}\r\n# of staging\n"])
def test_a_file_begins_with_the_password(tmp_path, text):
    file = tmp_path / "secret"
    file.write_text(text, newline="")

    assert passwords.from_file(str(file)) == PASSWORD


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (None, "cannot be read: No such file"),
        (b"", "begins with an empty line"),
        (b"\nsecret\n", "begins with an empty line"),
        (b"secret\xff", "is not UTF-8 text"),
    ],
)
def test_a_file_without_a_password_is_told_and_nothing_of_it_shown(tmp_path, data, told):
    file = tmp_path / "x"
    if data is not None:
        file.write_bytes(data)

    with pytest.raises(ConfigError, match=told) as caught:
        passwords.from_file(str(file))

    assert "secret" not in str(caught.value)


def test_the_environment_completes_the_url_that_it_names(monkeypatch, tmp_path):
    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://ann@box")
    monkeypatch.setenv("PYASYNQ_REDIS_PASSWORD", "plain")
    plain = ConnectionOptions.from_environment().password
    (tmp_path / "secret").write_text("in a file\n")
    monkeypatch.setenv("PYASYNQ_REDIS_PASSWORD_FILE", str(tmp_path / "secret"))
    from_file = ConnectionOptions.from_environment().password
    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://ann:own@box")

    assert (plain, from_file) == ("plain", "in a file")
    assert ConnectionOptions.from_environment().password == "own"
    assert ConnectionOptions.from_url("redis://box").password == ""
