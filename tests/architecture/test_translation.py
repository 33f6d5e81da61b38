"""README.zh.md is README.md in Chinese: the same parts, code, links, pictures and tables.

A comment at the end of each section holds the digest of the English section that it translates.
"""

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
ENGLISH = ROOT / "README.md"
CHINESE = ROOT / "README.zh.md"
DIGEST = re.compile(r"\n*<!-- translates (\w+) -->\n*")
HAN = re.compile(r"[\u4e00-\u9fff]")


class Section(NamedTuple):
    """A heading and what follows it, up to the next one."""

    title: str
    text: str


def sections(page: Path) -> list[Section]:
    parts = re.split(r"^(?=#{1,6} )", page.read_text(), flags=re.MULTILINE)
    return [Section(each.split("\n", 1)[0], each) for each in parts if each]


def digest(section: Section) -> str:
    return hashlib.sha256(section.text.strip().encode()).hexdigest()[:12]


PAIRS = list(zip(sections(ENGLISH), sections(CHINESE), strict=False))


def each_section(test):
    return pytest.mark.parametrize(
        ("english", "chinese"), PAIRS, ids=[english.title for english, _ in PAIRS]
    )(test)


def level(section: Section) -> int:
    return len(section.title) - len(section.title.lstrip("#"))


def test_both_have_the_same_sections_in_the_same_order():
    assert [level(each) for each in sections(ENGLISH)] == [
        level(each) for each in sections(CHINESE)
    ]


@each_section
def test_a_section_that_changes_is_translated_again(english, chinese):
    found = DIGEST.search(chinese.text)

    assert found is not None, f"end {chinese.title!r} with <!-- translates {digest(english)} -->"
    assert found[1] == digest(english), (
        f"{english.title!r} of README.md has changed. Bring {chinese.title!r} of README.zh.md "
        f"up to date, then end that section with <!-- translates {digest(english)} -->"
    )


def code(section: Section) -> list[str]:
    return re.findall(r"^```.*?^```", section.text, re.DOTALL | re.MULTILINE)


def commands(section: Section) -> list[str]:
    """Return the commands of a section, without what is said about them."""
    lines = re.findall(
        r"^    (\S.*)$", DIGEST.sub("", re.sub(r"(?ms)^```.*?^```", "", section.text)), re.MULTILINE
    )
    return [line.split(" # ")[0].strip() for line in lines]


@each_section
def test_code_and_commands_are_the_same(english, chinese):
    assert code(chinese) == code(english)
    assert commands(chinese) == commands(english)


def links(section: Section) -> list[str]:
    return sorted(re.findall(r"\]\(([^)]+)\)", section.text))


def test_each_names_the_other_at_its_top():
    assert "[中文](README.zh.md)" in sections(ENGLISH)[0].text
    assert "[English](README.md)" in sections(CHINESE)[0].text


@each_section
def test_links_lead_to_the_same_pages(english, chinese):
    here = [each for each in links(chinese) if each != ENGLISH.name]

    assert here == [each for each in links(english) if each != CHINESE.name]


def pictures(section: Section) -> list[str]:
    return re.findall(r'(?:src|srcset|width|media)="[^"]+"', section.text)


@each_section
def test_pictures_are_the_same(english, chinese):
    assert pictures(chinese) == pictures(english)


def rows(section: Section) -> list[int]:
    """Return how many cells each row of a table has."""
    return [line.count("|") for line in section.text.splitlines() if line.startswith("|")]


@each_section
def test_tables_have_the_same_shape(english, chinese):
    assert rows(chinese) == rows(english)


@each_section
def test_what_stands_in_backticks_is_not_translated(english, chinese):
    quoted = [sorted(re.findall(r"`([^`\n]+)`", each.text)) for each in (english, chinese)]

    assert quoted[0] == quoted[1]


@each_section
def test_every_paragraph_is_chinese(english, chinese):
    prose = re.sub(
        r"(?ms)^```.*?^```|^    .*?$|<picture>.*?</picture>", "", DIGEST.sub("", chinese.text)
    )
    paragraphs = [each.strip() for each in prose.split("\n\n") if each.strip("\n #")]

    assert [each for each in paragraphs if not HAN.search(each) and not each.startswith("# ")] == []
