"""Names and passwords: only hashes are kept, and whoever guesses has to wait."""

import asyncio

import pytest

from pyasynq.errors import ConfigError
from pyasynq.web import BasicAuth, hash_password
from pyasynq.web.access.passwords import read_hash
from tests.support.web import SAME_ORIGIN

ANN = hash_password("correct horse")


async def test_whoever_has_the_password_comes_in_and_others_are_asked_for_it(make_web):
    web = make_web(auth=("ann", ANN))

    nobody = await web.ask("GET", "/api/queues")
    wrong = await web.ask("GET", "/api/queues", auth=("ann", "wrong"))
    unknown = await web.ask("GET", "/api/queues", auth=("bob", "correct horse"))
    right = await web.ask("GET", "/api/queues", auth=("ann", "correct horse"))

    asked = 'Basic realm="pyasynq", charset="UTF-8"'
    assert [each.status_code for each in (nobody, wrong, unknown)] == [401] * 3
    assert {each.headers["www-authenticate"] for each in (nobody, wrong, unknown)} == {asked}
    assert right.status_code == 200
    assert (wrong.text, unknown.text) == ("the name or the password is wrong\n",) * 2


@pytest.mark.parametrize(
    "header",
    ["", "Basic", "Basic !", "Basic YQ==", "Bearer YTpi", "Basic " + "A" * 9000, "Basic /w=="],
)
async def test_a_login_that_cannot_be_read_is_none(make_web, header):
    web = make_web(auth=("ann", ANN))

    answer = await web.ask("GET", "/api/queues", headers={"Authorization": header})

    assert answer.status_code == 401


async def test_a_password_is_checked_once_and_recognised_later(make_web, monkeypatch):
    auth = BasicAuth({"ann": ANN})
    web = make_web(auth=auth)
    checks = []
    fits = auth._fits
    monkeypatch.setattr(auth, "_fits", lambda *given: checks.append(given) or fits(*given))

    login = ("ann", "correct horse")
    together = await asyncio.gather(*(web.ask("GET", "/api/queues", auth=login) for _ in range(20)))
    later = await web.ask("GET", "/api/queues", auth=login)

    assert {each.status_code for each in (*together, later)} == {200}
    assert len(checks) == 1


async def test_after_five_wrong_passwords_an_address_has_to_wait(make_web, monkeypatch):
    auth = BasicAuth({"ann": ANN})
    web, other = make_web(auth=auth), make_web(auth=auth, address="192.0.2.9")
    login = ("ann", "correct horse")
    known = await web.ask("GET", "/api/queues", auth=login)
    monkeypatch.setattr(auth, "_fits", lambda _name, password: password == "other")

    wrong = [await web.ask("GET", "/api/queues", auth=("ann", str(each))) for each in range(6)]
    right = await web.ask("GET", "/api/queues", auth=("ann", "other"))
    elsewhere = await other.ask("GET", "/api/queues", auth=("ann", "other"))

    assert [each.status_code for each in wrong] == [401] * 5 + [429]
    assert (right.status_code, right.headers["retry-after"]) == (429, "1")
    assert elsewhere.status_code == 200
    assert (known.status_code, (await web.ask("GET", "/api/queues", auth=login)).status_code) == (
        200,
        200,
    )


async def test_guesses_at_the_same_time_count_each(make_web, monkeypatch):
    auth = BasicAuth({"ann": ANN})
    web = make_web(auth=auth)
    checks = []
    monkeypatch.setattr(auth, "_fits", lambda *given: bool(checks.append(given)))

    answers = await asyncio.gather(
        *(web.ask("GET", "/api/queues", auth=("ann", str(each))) for each in range(50))
    )

    assert len(checks) == 5
    assert sorted({each.status_code for each in answers}) == [401, 429]


def test_a_hash_tells_nothing_and_differs_each_time():
    again = hash_password("correct horse")

    assert ANN.startswith("scrypt$16384$8$1$")
    assert again != ANN
    assert "horse" not in ANN
    assert "scrypt" not in repr(BasicAuth({"ann": ANN}))
    assert read_hash(ANN).fits("correct horse")
    assert not read_hash(again).fits("correct horsf")


@pytest.mark.parametrize(
    ("users", "fault"),
    [
        ({}, "users must be a mapping of names"),
        ("ann", "users must be a mapping of names"),
        ({"a:b": ANN}, "must be text without a colon"),
        ({"": ANN}, "must be text without a colon"),
        ({"ann": "hunter2"}, "the password of 'ann' must be a hash"),
        ({"ann": ANN.replace("16384", "16385")}, "must be a hash"),
        ({"ann": ANN.replace("16384", "1073741824")}, "must be a hash"),
        ({"ann": "scrypt$a$8$1$YQ==$YQ=="}, "must be a hash"),
    ],
)
def test_users_are_checked_and_a_password_is_never_shown(users, fault):
    with pytest.raises(ConfigError) as caught:
        BasicAuth(users)

    assert fault in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("password", ["", None, "x" * 1025])
def test_what_is_no_password_is_not_hashed(password):
    with pytest.raises(ConfigError):
        hash_password(password)


async def test_an_act_needs_the_login_and_the_same_origin(make_web):
    web = make_web(auth=("ann", ANN))

    answer = await web.ask("POST", "/api/queues/mail:pause", headers=SAME_ORIGIN)

    assert answer.status_code == 401
