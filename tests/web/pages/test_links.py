"""Links hold names of whomever, and lead nowhere else."""

import pytest

from pyasynq.web.pages.links import Links, back_to


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("mail", "/m/queues/mail"),
        ("a/b c?d#e%", "/m/queues/a%2Fb%20c%3Fd%23e%25"),
        ("..", "/m/queues/%2E%2E"),
        ("ol\udce9", "/m/queues/ol%E9"),
        ('"><script>', "/m/queues/%22%3E%3Cscript%3E"),
    ],
)
def test_a_name_is_one_part_of_a_path(name, link):
    assert Links("/m", "/", "").to("queues", name) == link


def test_a_link_to_the_same_page_keeps_the_rest_of_the_query():
    links = Links("/m", "/queues/a", "status=retry&page=3&query=a%26b")

    assert links.again(page=None, sort="-size") == (
        "/m/queues/a?status=retry&query=a%26b&sort=-size"
    )
    assert links.here == "/queues/a?status=retry&page=3&query=a%26b"


def test_bytes_that_are_not_utf_8_stay_what_they_are_in_a_query():
    links = Links("", "/tasks", "queue=ol%E9&page=2")

    assert links.again(page=None) == "/tasks?queue=ol%E9"
    assert back_to("", "/tasks?queue=ol%E9", notice="n") == "/tasks?queue=ol%E9&notice=n"


@pytest.mark.parametrize("given", ["", "x", "//x", "/\\x", "https://x", "/ x", "/\n", "/é"])
def test_what_is_not_here_is_not_gone_back_to(given):
    assert back_to("/m", given, notice="n") == "/m/?notice=n"


def test_going_back_keeps_the_query_and_replaces_an_old_notice():
    assert back_to("", "/queues/a?page=2&notice=old", notice="new") == (
        "/queues/a?page=2&notice=new"
    )
