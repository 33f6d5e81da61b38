"""Every script says in its header what it does, and keeps the rules of scripts."""

import re
from pathlib import Path

import pytest

import pyasynq.broker.scripts
from pyasynq.broker.scripts import load

FOLDER = Path(pyasynq.broker.scripts.__file__).parent
SCRIPTS = sorted(FOLDER.glob("*.lua"))
FRAGMENTS = sorted((FOLDER / "fragments").glob("*.lua"))
FIELDS = ["Purpose", "KEYS", "ARGV", "Returns", "Memory full", "Repeat"]
READS = {
    *("EXISTS", "GET", "HGET", "HGETALL", "HMGET", "INFO", "LINDEX", "LLEN", "LPOS", "LRANGE"),
    *("HLEN", "HVALS", "MEMORY", "PTTL", "SISMEMBER", "SMEMBERS"),
    *("SSCAN", "TYPE", "ZCARD", "ZCOUNT", "ZRANGE", "ZRANGEBYSCORE", "ZRANK", "ZSCORE"),
}
REFUSED_WHEN_FULL = {
    *("enqueue", "schedule", "add_to_group", "write_progress", "write_result", "import_task"),
    *("enqueue_tick", "read_tick", "record_event", "lead", "record_attempts", "count_types"),
}


def header_of(path: Path) -> list[str]:
    lines = path.read_text().splitlines()
    return [line[3:] for line in lines[: next(i for i, x in enumerate(lines) if x[:2] != "--")]]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_header_has_every_field_in_order(path):
    header = header_of(path)
    starts = [
        next((f for f in FIELDS if re.match(rf"{f}(\[[\d.]+\])?: ", line)), None) for line in header
    ]
    found = [field for field in starts if field is not None]

    assert sorted(set(found), key=found.index) == FIELDS


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_header_says_what_happens_when_memory_is_full(path):
    (memory_full,) = (line for line in header_of(path) if line.startswith("Memory full: "))
    (repeat,) = (line for line in header_of(path) if line.startswith("Repeat: "))

    assert (
        memory_full == f"Memory full: {'refused' if path.stem in REFUSED_WHEN_FULL else 'allowed'}"
    )
    assert repeat.removeprefix("Repeat: ") in ("safe", "by_token", "never")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_header_says_whether_a_script_only_reads(path):
    script = load(path.stem)
    commands = set(re.findall(r"redis\.p?call\(\s*\"([A-Z]+)\"", script.source))

    assert script.is_write == bool(commands - READS)
    assert ("Writes: nothing" in header_of(path)) != script.is_write


@pytest.mark.parametrize("path", [*SCRIPTS, *FRAGMENTS], ids=lambda path: path.stem)
def test_a_script_is_short_and_depends_on_nothing_but_its_arguments(path):
    text = path.read_text()

    assert len(text.splitlines()) <= 70
    assert not re.search(r'"(TIME|KEYS|SCAN|RANDOMKEY|SRANDMEMBER)"|math\.random|error_reply', text)


@pytest.mark.parametrize("path", [*SCRIPTS, *FRAGMENTS], ids=lambda path: path.stem)
def test_a_script_does_not_count_its_keys(path):
    """On a cluster there is one more of them, which keeps the script from a slot that moves."""
    assert "#KEYS" not in path.read_text()


def test_fragments_are_put_in_front():
    script = load("done_many")

    assert script.source.index("local function take") < script.source.index("-- Purpose")
    assert script.source.index("local function count") < script.source.index("-- Purpose")


def test_every_fragment_is_used():
    used = set(
        re.findall(
            r"[a-z_]+",
            " ".join(
                line for path in SCRIPTS for line in header_of(path) if line.startswith("Uses: ")
            ),
        )
    )

    assert {path.stem for path in FRAGMENTS} <= used
