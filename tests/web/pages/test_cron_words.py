"""When periodic tasks are due, in Chinese; English is what schedules say themselves."""

import re

import pytest

from pyasynq.scheduler.cron import parse
from pyasynq.web.pages.cron_words import due_words
from tests.scheduler.cron.test_english import test_a_spec_is_told_in_plain_english as english

SPECS = [given[0] for mark in english.pytestmark for given in mark.args[1]]


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("* * * * *", "每分钟"),
        ("*/5 * * * *", "每 5 分钟"),
        ("15 * * * *", "每小时第 15 分"),
        ("0 * * * *", "每小时"),
        ("0 */2 * * *", "每 2 小时"),
        ("15 */2 * * *", "每 2 小时第 15 分"),
        ("0 9-17 * * mon-fri", "周一 至 周五 09:00 至 17:00 每小时"),
        ("*/10 9-17 * * *", "09:00 至 17:59 每 10 分钟"),
        ("*/10 9,11,13 * * *", "9、11、13 点 每 10 分钟"),
        ("30 9 * * *", "09:30"),
        ("30 9,17 * * sat,sun", "周日、周六 09:30、17:30"),
        ("0 0 1 1 *", "1 月的 1 日 00:00"),
        ("0 0 13 * fri", "每月 13 日或周五 00:00"),
        ("0 0 30 2 *", "永不"),
        ("@every 90m", "每 1 小时 30 分钟"),
        ("CRON_TZ=Asia/Tokyo 0 9 * * *", "09:00（Asia/Tokyo 时间）"),
    ],
)
def test_a_spec_is_told_in_chinese(spec, text):
    assert due_words(parse(spec), "zh") == (text, "zh")


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("* * * * * *", "每秒"),
        ("*/10 * * * * *", "每 10 秒"),
        ("10 30 9 * * *", "09:30:10"),
        ("5,10 * 9 * * mon", "周一 09:00 至 09:59 每分钟第 5、10 秒"),
        ("5 */15 * * * *", "每分钟第 5 秒 每 15 分钟"),
    ],
)
def test_seconds_are_told_where_they_were_chosen(spec, text):
    assert due_words(parse(spec, seconds=True), "zh") == (text, "zh")


@pytest.mark.parametrize("spec", SPECS)
def test_no_english_is_left(spec):
    text, language = due_words(parse(spec), "zh")

    assert language == "zh"
    assert set(re.findall(r"[A-Za-z]{2,}", text)) <= {"Asia", "Tokyo"}
    assert due_words(parse(spec), "en") == (parse(spec).describe(), "en")
