"""What users see of the errors of Redis."""

import pytest

from pyasynq.broker.runners.redis_errors import plain_text

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
        ("the script: a list, on demand", "the script: a list, on demand"),
    ],
)
def test_the_line_in_a_script_is_left_out(text, expected):
    assert plain_text(text) == expected
