"""What failures of one kind have in common."""

import pytest

from pyasynq.admin.signatures import MOST_IDS, FailureGroups, fingerprint, signature


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ("", ""),
        ("context deadline exceeded", "context deadline exceeded"),
        ("ValueError: bad id 42", "ValueError: bad id <n>"),
        ("timeout after 1.5s", "timeout after <n>s"),
        ("10% of 3.5e7, -4", "<n>% of <n>, <n>"),
        ("user12 and attempt_3", "user<n> and attempt_<n>"),
        ("KeyError: 'user_12'", "KeyError: <text>"),
        ('no column "a b" in `t`', "no column <text> in <text>"),
        ("can't do it, don't 7", "can't do it, don't <n>"),
        ("order 8f14e45f-ceea-467f-a0e6-1a2b3c4d5e6f", "order <uuid>"),
        ("at 0xdeadBEEF, commit 12ab34cd56", "at <hex>, commit <hex>"),
        ("key sk_live_51HxYzAbCdEfGh12", "key <id>"),
        ("connecting to 10.0.0.7:5432", "connecting to <host>"),
        ("db-3.internal:5432 refused", "<host> refused"),
        ("localhost:6379 down", "<host> down"),
        ("[fe80::1]:6379 and 2001:db8::1 down", "<host> and <host> down"),
        ("GET https://x.com/u/12?a=1 gave 503", "GET <url> gave <n>"),
        ("no mailbox ann.b+c@example.com", "no mailbox <email>"),
        ("since 2026-01-01T12:00:00Z", "since <time>"),
        ("no /var/lib/x/y12.txt", "no <path>"),
        (r"no C:\Users\me\x.txt", "no <path>"),
        ("line 1\n\tline 2", "line <n> line <n>"),
        ("bad size 3 [resize.py:41]", "bad size <n> [resize.py:41]"),
        ("bad [tasks.py:60 < PIL/Image.py:3730]", "bad [tasks.py:60 < PIL/Image.py:3730]"),
    ],
)
def test_what_differs_from_task_to_task_is_replaced(error, expected):
    assert signature(error) == expected


@pytest.mark.parametrize("char", ["a", "1", "-", "'", '"', ".", "/", ":", "[", "1a", "a.", "/a"])
def test_a_signature_of_any_text_is_short(char):
    assert len(signature(char * 100_000)) <= 6000


def test_a_fingerprint_is_the_same_for_all_errors_of_one_kind():
    assert fingerprint("timeout after 30s") == fingerprint("timeout after 1.5s") == "2ce3bd5fc90f"
    assert fingerprint("refused") != fingerprint("timeout after 30s")
    assert fingerprint("ol\udce9")
    assert fingerprint("") == ""


def test_groups_are_bounded_in_number_and_size():
    groups = FailureGroups(most=2)
    for number in range(1000):
        groups.add(
            error="abcdefgh"[number % 4],
            task_type="t",
            queue="q",
            task_id=str(number),
            state="retry",
            at_ns=number,
        )

    found = groups.result()

    assert [(each.signature, each.count) for each in found] == [
        ("<others>", 500),
        ("a", 250),
        ("b", 250),
    ]
    assert [each.fingerprint for each in found] == ["", fingerprint("a"), fingerprint("b")]
    assert (found[1].oldest_ns, found[1].newest_ns) == (0, 996)
    assert [task_id for _, task_id in found[1].tasks] == ["996", "992", "988", "984", "980"]
    assert all(len(each.tasks) == MOST_IDS for each in found)
