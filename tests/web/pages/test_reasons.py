"""Why something is refused, in Chinese: whoever has a key has a text, and keeps to its values."""

import ast
from datetime import UTC, datetime
from pathlib import Path

import pytest

import pyasynq.errors
from pyasynq import web as package
from pyasynq.errors import (
    DuplicateTaskError,
    EntryNotFoundError,
    FilterError,
    IncompatibleRedisError,
    QueueAlreadyPausedError,
    QueueNotEmptyError,
    QueueNotFoundError,
    QueueNotPausedError,
    RedisUnavailableError,
    StateError,
    TaskIdConflictError,
    TaskNotFoundError,
    TaskStateError,
)
from pyasynq.web.pages.catalogue import LANGUAGES, texts_of
from pyasynq.web.pages.figures import Figures
from pyasynq.web.pages.said import forms, reason
from pyasynq.web.refusal import Refusal, refusal_of

CHINESE = {"Accept-Language": "zh"}
NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
RUNNING = {"task_id": "t", "state": "active"}
ERRORS = {
    "队列“q”不为空（1,200 个任务）；请先删除其中的任务。": QueueNotEmptyError(queue="q", size=1200),
    "队列“q”已经暂停。": QueueAlreadyPausedError("q"),
    "队列“q”没有暂停。": QueueNotPausedError("q"),
    "队列“q”不存在。": QueueNotFoundError("q"),
    "队列“t”不存在；队列与 ID 似乎写反了，因为“q”是一个队列。": QueueNotFoundError(
        "t", swapped_with="q"
    ),
    "队列“q”中没有任务“t”。": TaskNotFoundError(queue="q", task_id="t"),
    "调度条目“e”不存在。": EntryNotFoundError("e"),
    "任务“t”的载荷已被更改，与页面上的不同；请重新查看后再试。": TaskStateError(
        task_id="t", state="changed", allowed=("unchanged",), advice="look again"
    ),
    "任务“t”的状态是“已完成”；此操作只适用于以下状态：待重试, 已归档。": TaskStateError(
        task_id="t", state="completed", allowed=("retry", "archived")
    ),
    "任务“t”正在执行；请先取消执行，它结束后再试。取消时也可以选择在结束后删除或归档它。": (
        TaskStateError(**RUNNING, allowed=("retry",), advice="cancel it")
    ),
    "任务“t”的状态（聚合中）不允许此操作：": TaskStateError(
        task_id="t", state="aggregating", allowed=(), advice="try again"
    ),
    "队列中有执行中的任务，不能删除；请取消它们，或等待它们结束。": StateError(
        "x", state="active", allowed=()
    ),
    "队列“q”中已有唯一键相同的 email 类型任务（任务“t”持有锁）。": DuplicateTaskError(
        queue="q", task_type="email", holder_id="t"
    ),
    "队列“q”中已有任务“t”（待执行）；请先将其删除，或使用另一个 ID。": TaskIdConflictError(
        queue="q", task_id="t", state="pending"
    ),
    "过滤条件的第 3 列有误：": FilterError("no", hint="", query="x y", column=3),
    "Redis 没有响应；写入可能已经完成，也可能没有。": RedisUnavailableError(
        "x", may_have_happened=True
    ),
    "Redis 没有响应。": RedisUnavailableError("x"),
    "Redis 缺少此操作所需的命令、权限或设置，或者内存已满。": IncompatibleRedisError("x"),
}


def tell(refusal, language="zh"):
    texts = texts_of(language)
    return reason(texts, Figures(texts, NOW), refusal)


def keys_in_sources():
    """Return the key of every refusal that has one, with the names of its values."""
    for path in Path(package.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Refusal":
                given = {each.arg: each.value for each in call.keywords}
                if isinstance(given.get("key"), ast.Constant):
                    values = getattr(given.get("values"), "keys", ())
                    yield given["key"].value, dict.fromkeys((each.value for each in values), 1)


@pytest.mark.parametrize("language", set(LANGUAGES) - {"en"})
def test_every_key_has_a_text_that_needs_no_other_values(language):
    keys = dict(keys_in_sources())

    told = {key: tell(Refusal(400, "x", key=key, values=keys[key]), language) for key in keys}

    assert {key for key, why in told.items() if why.language == "en"} == set()
    assert set(forms(language, "refusals")) - keys.keys() <= set(dir(pyasynq.errors))


@pytest.mark.parametrize("text", ERRORS)
def test_errors_that_visitors_meet_are_told_in_chinese(text):
    why = tell(refusal_of(ERRORS[text]))

    assert (str(why.text), why.language) == (text, "zh-Hans")


def test_details_that_are_english_come_after_it():
    why = tell(refusal_of(FilterError("no such field", hint="", query="x", column=1)))

    assert why.details == "column 1 of the filter: no such field"


def test_what_is_not_known_stays_english_and_is_marked_so():
    why = tell(Refusal(418, "a <b> teapot"))

    assert (why.text, why.language, why.details) == ("a <b> teapot", "en", "")


def test_english_pages_have_the_text_of_the_refusal():
    assert tell(refusal_of(QueueNotPausedError("q")), "en").text == "queue 'q' is not paused"


async def test_a_page_that_refuses_says_why_in_its_language(web, now_s):
    page = (await web.ask("GET", "/queues/<b>", headers=CHINESE)).text

    assert '<p class="reason" lang="zh-Hans">队列“&lt;b&gt;”不存在。</p>' in page


async def test_the_page_of_a_task_that_is_gone_says_so_in_its_language(web, now_s):
    page = (await web.ask("GET", "/queues/mail/tasks/x", headers=CHINESE)).text

    assert '<p class="reason" lang="zh-Hans">队列“mail”中没有任务“x”。</p>' in page
    assert "未设置保留时间的任务成功后会立即删除" in page


async def test_a_form_says_in_its_language_what_is_wrong_with_a_filter(web, now_s):
    page = (await web.ask("GET", "/tasks?query=stat:x", headers=CHINESE)).text

    assert '<p lang="zh-Hans">过滤条件的第 1 列有误：</p>' in page
    assert '<p lang="en">column 1 of the filter: ' in page
