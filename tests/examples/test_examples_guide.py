"""The page about the examples names all of them, and its commands do what it says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PAGE = (ROOT / "docs" / "guides" / "examples.md").read_text()
FIRST = PAGE[PAGE.index("## Programs that end") : PAGE.index("## Services")]
SCRIPTS = re.findall(r"`python (\w+\.py)`", FIRST)

PRINTS = {
    "batch.py": "not enqueued: row 499",
    "database.py": "count: 0",
    "email_digest.py": "Subject: 5 news for you",
    "fan_out_fan_in.py": "handed over: {'be': 1000,",
    "image_thumbnails.py": "picture_0.thumbnail.webp: 128 by 72",
    "measure_library.py": "failures  9 on purpose: 6 retries, 3 archived",
    "periodic_report.py": "now: 3 sales, 60 in all",
    "web_crawler.py": ": Page 8, 3 links",
}


def examples():
    """Return the names of all files and folders of examples that are kept."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "examples"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {line.split("/")[1] for line in listed.splitlines() if (ROOT / line).exists()}


def test_every_example_has_a_row():
    rows = set(re.findall(r"^\| \[.+?\]\(../../examples/(\S+?)\) \|", PAGE, re.MULTILINE))

    assert rows == examples()


def test_what_a_row_says_to_look_at_exists():
    for name, looked_at in re.findall(r"^\| \[(\w+\.py)\].* \| `(\w+)`", PAGE, re.MULTILINE):
        assert f"def {looked_at}(" in (EXAMPLES / name).read_text()


def test_every_example_says_how_to_run_it():
    commands = re.findall(r"^\| \[(\w+\.py)\].*?\| `(.+?)`", PAGE, re.MULTILINE)
    untold = [
        name
        for name, command in commands
        if command.split()[0] not in (EXAMPLES / name).read_text().split('"""')[1]
    ]

    assert len(commands) >= 10
    assert [each for each in untold if each != "measure_library.py"] == []  # `make demo`


def test_make_runs_the_programs_that_end_by_themselves():
    makefile = (ROOT / "Makefile").read_text()
    (line,) = re.findall(r"^EXAMPLES := (.*)$", makefile, re.MULTILINE)

    assert {f"{name}.py" for name in line.split()} == set(SCRIPTS) == set(PRINTS)


@pytest.mark.long
@pytest.mark.parametrize("script", sorted(PRINTS))
def test_a_program_ends_by_itself_on_a_redis_of_its_own(script, tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "PYASYNQ_REDIS_URL"}

    done = subprocess.run(
        [sys.executable, str(EXAMPLES / script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert PRINTS[script] in done.stdout
