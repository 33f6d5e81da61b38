"""The colours of the pages: whatever is written can be read, in the light and in the dark."""

import re

import pytest

from pyasynq.web.pages.static import contents

STYLE = contents()["base.css"].decode()
THEMES = {"light": ":root {", "dark": '[data-theme="dark"] {', "system": '[data-theme="system"] {'}
GROUNDS = ("ground", "surface", "raised")
PAIRS = [
    *(
        (text, ground)
        for text in ("text", "muted", "accent")
        for ground in (*GROUNDS, "info-ground")
    ),
    *(
        (kind, ground)
        for kind in ("good", "warn", "bad")
        for ground in (*GROUNDS, f"{kind}-ground")
    ),
    ("on-accent", "accent"),
]


def colours(theme):
    block = STYLE.partition(THEMES[theme])[2].partition("}")[0]
    return {name: f"#{value}" for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6});", block)}


def brightness(colour):
    """The relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((brightness(one), brightness(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), PAIRS)
def test_a_text_can_be_read_on_its_ground(theme, text, ground):
    shown = colours(theme)

    assert contrast(shown[text], shown[ground]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_where_the_focus_is_can_be_seen(theme):
    shown = colours(theme)

    assert min(contrast(shown["focus"], shown[each]) for each in GROUNDS) >= 3


def test_the_system_has_the_same_darkness():
    assert colours("system") == colours("dark")
    assert colours("dark").keys() == colours("light").keys()
