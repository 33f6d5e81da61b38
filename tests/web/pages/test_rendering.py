"""What all pages have: their language, refusals, notices, and files that browsers keep."""

import re

import pytest

CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}


async def test_a_page_is_in_the_language_of_its_reader(web, now_s):
    chinese = await web.page("/", headers=CHINESE)

    assert '<html lang="zh-Hans"' in chinese
    assert "4 个队列" in chinese


async def test_what_a_visitor_has_chosen_wins(web, now_s):
    answer = await web.send("/settings", back="/settings", language="zh", theme="dark", rows="7")
    cookies = answer.headers.get_list("set-cookie")
    page = await web.page("/", headers={"Cookie": "pyasynq_language=zh; pyasynq_theme=dark"})

    assert [each.partition("=")[0] for each in cookies] == ["pyasynq_language", "pyasynq_theme"]
    assert all("HttpOnly" in each and "SameSite=lax" in each for each in cookies)
    assert 'lang="zh-Hans"' in page
    assert 'data-theme="dark"' in page


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nowhere", 404, "There is nothing here"),
        ("GET", "/queues/%20/tasks/x%00", 400, "This cannot be read"),
        ("POST", "/", 405, "Nothing can be changed here"),
        ("GET", "/?page=x", 400, "page must be a whole number"),
    ],
)
async def test_a_refusal_is_a_page_that_says_what_to_do(web, now_s, method, path, status, words):
    answer = await web.ask(method, path)

    assert answer.status_code == status
    assert words in answer.text
    assert '<a class="button" href="/">' in answer.text


@pytest.mark.parametrize(
    "path", ["/enqueue", "/jobs/new?verb=delete&query=state:archived", "POST /queues/mail/pause"]
)
async def test_where_nothing_may_be_changed_a_page_says_so_plainly(make_web, now_s, path):
    web = make_web(read_only=True, enqueue_enabled=True)
    method, path = path.split() if " " in path else ("GET", path)

    answer = await web.ask(method, path)

    assert answer.status_code == 405
    assert "<h1>This web UI is read-only</h1>" in answer.text
    assert "request is not allowed" not in answer.text


@pytest.mark.parametrize(
    "notice",
    ["<b>x</b>", "paused count=1 count=x", "nothing", "", "a" * 9999, "paused x=٣", "title"],
)
async def test_a_link_cannot_make_a_page_say_anything_else(web, now_s, notice):
    page = await web.page("/", params={"notice": notice})

    assert "data-notice>" not in page


async def test_everything_that_a_page_loads_is_here_and_may_be_kept(web, now_s):
    page = await web.page("/")
    loaded = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)

    answers = [await web.ask("GET", path) for path in loaded]

    assert len(answers) == 5
    assert {each.status_code for each in answers} == {200}
    assert {each.headers["cache-control"] for each in answers} == {
        "public, max-age=31536000, immutable"
    }
    assert (await web.ask("GET", "/static/old/main.js")).headers["cache-control"] == "no-store"
    assert (await web.ask("GET", "/static/old/..%2Fapp.py")).status_code == 404


async def test_a_page_runs_nothing_but_its_own_scripts(web, now_s):
    answer = await web.ask("GET", "/")
    policy = answer.headers["content-security-policy"]

    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|style=", answer.text)
