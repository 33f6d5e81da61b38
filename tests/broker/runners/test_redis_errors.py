"""What users see of the errors of Redis."""

import pytest

from pyasynq.broker.runners.redis_errors import hint, plain_text, wrong_setting

WRONG = "WRONGTYPE Operation against a key holding the wrong kind of value"
DIGEST = "522b1a6ae66fe79ea2f24a9af58798ab71879035"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{WRONG} script: {DIGEST}, on @user_script:2.", WRONG),
        (f"{WRONG} script: on @user_script:2.", WRONG),
        (f"ERR Error running script (call to f_{DIGEST}): @user_script:2: -{WRONG}", WRONG),
        (f"ERR Error running script (call to f_{DIGEST}): @user_script: 2: {WRONG}", WRONG),
        (WRONG, WRONG),
        ("ERR no such thing", "no such thing"),
        (
            "Error 111 connecting to x:1. Connection refused.",
            "Error 111 connecting to x:1. Connection refused",
        ),
        ("the script: a list, on demand", "the script: a list, on demand"),
    ],
)
def test_the_line_in_a_script_is_left_out(text, expected):
    assert plain_text(text) == expected


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("NOREPLICAS Not enough good replicas to write.", "start replicas, or lower"),
        (f"READONLY You can't write. script: {DIGEST}, on @user_script:2.", "name its master"),
        ("no master 'mymaster' (127.0.0.1:1: refused)", "look at the sentinels"),
        ("connection closed by server", ""),
    ],
)
def test_what_waiting_does_not_heal_soon_comes_with_advice(text, advice):
    assert advice in hint(text)
    assert bool(advice) == bool(hint(text))


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Authentication required.", "this redis wants a password; give it one, as in redis://"),
        ("WRONGPASS invalid", "redis refuses the user or the password"),
    ],
)
def test_a_password_that_is_missing_is_told_apart_from_a_wrong_one(text, advice):
    assert str(wrong_setting(text)).startswith(advice)
