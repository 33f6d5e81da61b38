"""The pictures of the guide show what a dash shows; colours and fonts are Textual's business."""

import re

import pytest

from tests.tui.pictures import FOLDER, PICTURES, drawn
from tests.tui.screen import lines_of

MEMORY = re.compile(r"[\d.]+ [kMG]?B")  # each version of Redis needs another amount


def words_of(svg: str) -> list[list[str]]:
    return [MEMORY.sub("memory", line).split() for line in lines_of(svg)]


@pytest.mark.parametrize("name", PICTURES)
async def test_a_picture_of_the_guide_shows_the_text_of_the_screen(shop_url, name):
    svg = await drawn(shop_url, PICTURES[name])

    assert words_of((FOLDER / f"{name}.svg").read_text()) == words_of(svg), (
        "if that is right, `.venv/bin/python -m tests.tui.pictures` draws them again"
    )


def test_there_are_no_other_pictures():
    assert {path.stem for path in FOLDER.iterdir()} == set(PICTURES)
