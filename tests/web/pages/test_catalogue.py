"""The texts of the pages: each is in every language, none is written anywhere else."""

import re
from importlib.resources import files
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import nodes

from pyasynq import web
from pyasynq.web.pages.catalogue import LANGUAGES, Texts, catalogue, wanted_language
from pyasynq.web.pages.rendering import environment

HOME = Path(web.__file__).parent
TEMPLATES = sorted(HOME.glob("templates/*.html"))
SCRIPTS = sorted(HOME.glob("static/*.js"))
ENGLISH = catalogue("en")

# What is the same in every language: the name of the project, and signs.
UNIVERSAL = {"pyasynq", "Ctrl", "Esc", "API"}
SHOWN = re.compile(
    r"""\b(?:title|alt|placeholder|aria-label|data-label|data-text[\w-]*)=["']([^"']*)"""
)


def whole_keys(texts):
    return {re.sub(r"\.(one|other)$", "", key) for key in texts}


def parts_of(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_texts(language):
    assert whole_keys(catalogue(language)) == whole_keys(ENGLISH)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_the_same_parts_in_every_language(language):
    for key, text in catalogue(language).items():
        english = ENGLISH.get(key) or ENGLISH[f"{key.rpartition('.')[0]}.other"]
        assert parts_of(text) <= parts_of(english) | {"count"}, key
        assert text.strip() == text != "", key


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_has_a_text_of_its_own(template):
    """What stands between tags, and in attributes that people see or hear."""
    parsed = environment().parse(template.read_text())
    data = "\0".join(each.data for each in parsed.find_all(nodes.TemplateData))
    written = re.sub(r"<[^<>]*(>|\0|$)|^[^<>]*>|\0[^<>\0]*>", " ", data).replace("\0", " ")
    words = set(re.findall(r"[^\W\d_]{2,}", written)) - UNIVERSAL
    attributes = [each for each in SHOWN.findall(data) if re.search(r"[^\W\d_]{2,}", each)]

    assert words == set()
    assert attributes == []


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_has_a_text_for_people(script):
    """A text is what has a blank between two words, and is no selector and no template of one."""
    code = re.sub(r"//[^\n]*", "", script.read_text())
    strings = re.findall(r""""([^"\n]*)"|'([^'\n]*)'|`([^`]*)`""", code)
    texts = [
        each for each in map("".join, strings) if re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", each)
    ]

    assert [each for each in texts if not re.search(r"[.#\[>:(]", each)] == []


def test_every_text_is_used_somewhere():
    sources = [*TEMPLATES, *HOME.glob("pages/*.py")]
    code = "\n".join(each.read_text() for each in sources)

    unused = [key for key in sorted(whole_keys(ENGLISH)) if not is_used(key, code)]

    assert unused == []


def is_used(key, code):
    """Whether a key is written somewhere, or begins as one does whose end is reckoned."""
    first, _, last = key.rpartition(".")
    parent = first.rpartition(".")[0]
    written = (f'"{key}"', f"'{key}'", f'"{first}."', f'"{first}.{{', f"'{first}.'", f'"{first}.%')
    reckoned = re.escape(first) + r"\.[\w]*(%|\{)"
    ending = re.search(rf'"{re.escape(parent)}\.(%|" ~)[^\n]*\.{re.escape(last)}"', code)
    empty = first.startswith("empty.") and f'"{first.removeprefix("empty.")}"' in code
    notice = first == "notices" and f'"{last}"' in code
    return (
        any(each in code for each in written)
        or bool(re.search(reckoned, code))
        or bool(ending)
        or empty
        or notice
    )


def test_a_number_chooses_the_form_of_a_text():
    english, chinese = Texts("en"), Texts("zh")

    assert english("tasks.count", count=1) == "1 task"
    assert english("tasks.count", count=2000) == "2,000 tasks"
    assert chinese("tasks.count", count=1) == "1 个任务"


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,zh;q=0.9", "en"),
        ("fr, zh;q=0.2", "zh"),
        ("de", "en"),
        ("zh;q=0", "en"),
        ("ZH-hans", "zh"),
        (";;q=,=,zh;q=9", "en"),
        ("z" * 5000, "en"),
    ],
)
def test_the_language_is_what_the_browser_wants(wish, language):
    assert wanted_language(wish) == language


def test_the_catalogues_are_in_the_package():
    for language in LANGUAGES:
        assert files("pyasynq.web").joinpath("catalogues", f"{language}.toml").is_file()
