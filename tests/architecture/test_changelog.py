"""Fragments of the changelog: which are refused, and how they become a section of a release."""

from pathlib import Path

import pytest

from tools import changelog

ROOT = Path(__file__).parents[2]
BEFORE = """# Changelog

## Unreleased

A story.

### Added

* Old.

## 1.0

### Added

* Older.
"""
AFTER = """# Changelog

## Unreleased

A story.

### Added

* Old.
* New.

### Fixed

* One.
* Two.

## 1.0

### Added

* Older.
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "README.md").write_text("how")
    (tmp_path / "CHANGELOG.md").write_text(BEFORE)
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / "changes" / name).write_text(text)


def test_our_fragments_are_well_formed():
    assert changelog.check(ROOT) == 0


def test_our_changelog_takes_fragments_and_keeps_everything_else():
    text = (ROOT / "CHANGELOG.md").read_text()

    assert changelog.joined(text, {}) == text


def test_fragments_move_to_the_end_of_the_list_of_their_kind(project):
    write(project, "7.added.md", "New.\n")
    write(project, "a-bug.fixed.md", "Two.")
    write(project, "12.fixed.md", "One.\n")

    assert changelog.main([], project) == 0
    assert (project / "CHANGELOG.md").read_text() == AFTER
    assert [path.name for path in (project / "changes").iterdir()] == ["README.md"]


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("12.mended.md", "One.", "the name must be NAME.KIND.md"),
        ("Big Name.fixed.md", "One.", "the name must be NAME.KIND.md"),
        ("12.fixed.md", "", "it must hold one line"),
        ("12.fixed.md", "One.\nTwo.\n", "it must hold one line"),
        ("12.fixed.md", "* One.", "it must be a sentence"),
        ("12.fixed.md", "One", "it must end with a full stop"),
    ],
)
def test_a_fragment_that_is_wrong_is_named_and_nothing_moves(project, capsys, name, text, fault):
    write(project, name, text)

    assert changelog.main([], project) == 1
    assert capsys.readouterr().out.startswith(f"changes/{name}: {fault}")
    assert (project / "CHANGELOG.md").read_text() == BEFORE
