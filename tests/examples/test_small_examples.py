"""The small examples, as an application's own tests would test them."""

import asyncio
from datetime import UTC, datetime
from email import message_from_bytes

import pytest

from examples import (
    email_digest,
    fan_out_fan_in,
    image_thumbnails,
    periodic_report,
    web_crawler,
)
from pyasynq import SkipRetry
from tests.support.eventually import eventually_async


@pytest.mark.slow
def test_a_thumbnail_is_made_in_a_process(tmp_path):
    image_thumbnails.draw_pictures(tmp_path, 1)

    with image_thumbnails.app.testing() as harness:
        handle = image_thumbnails.make_thumbnail.enqueue(str(tmp_path / "picture_0.png"), 64)
        harness.run_pending(raises=True)

        thumbnail = handle.result(0)
    assert (thumbnail.width, thumbnail.height) == (64, 36)
    assert (tmp_path / "picture_0.thumbnail.webp").stat().st_size > 0


def test_a_file_that_is_no_picture_is_not_tried_again(tmp_path):
    image_thumbnails.draw_pictures(tmp_path, 0)

    with pytest.raises(SkipRetry, match=r"broken\.png cannot be read"):
        image_thumbnails.make_thumbnail(str(tmp_path / "broken.png"))


def test_each_page_is_fetched_once_and_later_if_the_site_is_busy(monkeypatch):
    monkeypatch.setattr(web_crawler.Site, "requests", 0)

    with web_crawler.site() as url, web_crawler.app.testing() as harness:
        web_crawler.follow(f"{url}0", 3)
        handled = harness.run_all()

        pages = [each.result for each in handled if each.result is not None]
        busy = [each for each in handled if each.error is not None]
        assert harness.tasks(state="archived") == []
    assert sorted(page.url.removeprefix(url) for page in pages) == [str(n) for n in range(9)]
    assert len(busy) == 4
    assert not any(each.is_failure for each in busy)


def test_a_crawl_goes_no_deeper_than_it_is_told(monkeypatch):
    monkeypatch.setattr(web_crawler.Site, "requests", 0)

    with web_crawler.site() as url, web_crawler.app.testing() as harness:
        web_crawler.follow(f"{url}0", 1)
        handled = harness.run_all()

    pages = {each.result.title for each in handled if each.result is not None}
    assert pages == {"Page 0", "Page 1", "Page 2", "Page 3"}


async def test_pages_of_a_run_that_was_interrupted_are_forgotten(redis_url, monkeypatch, capsys):
    monkeypatch.setattr(web_crawler.Site, "requests", 0)
    monkeypatch.setattr(web_crawler, "SOURCE", redis_url)
    web_crawler.app.reconfigure(redis_url)
    await asyncio.to_thread(web_crawler.follow, "http://127.0.0.1:1/0", 1)

    await web_crawler.main(0)

    assert "Page 0, 3 links" in capsys.readouterr().out


def test_a_reader_gets_one_mail_a_second_after_the_last_news(tmp_path, monkeypatch):
    monkeypatch.setattr(email_digest, "OUTBOX", tmp_path)

    with email_digest.app.testing() as harness:
        for reader, text in [("ann", "first"), ("ann", "second"), ("bob", "other")]:
            email_digest.tell(reader, text)
        assert harness.run_pending() == []
        harness.clock.advance(1)
        handled = harness.run_pending(raises=True)

    assert sorted(each.result for each in handled) == ["1 news for you", "2 news for you"]
    mail = message_from_bytes((tmp_path / "ann-2.eml").read_bytes())
    assert (mail["To"], mail.get_payload()) == ("ann", "* first\n* second\n")


def test_a_last_task_adds_up_what_many_have_counted():
    with fan_out_fan_in.app.testing() as harness:
        parts = [fan_out_fan_in.count.enqueue([line]) for line in ("a b", "b c", "c c")]
        last = fan_out_fan_in.total.enqueue([part.id for part in parts])
        harness.run_all()

        assert last.result(0) == {"a": 1, "b": 2, "c": 3}


def test_a_last_task_waits_for_parts_without_using_up_retries():
    with fan_out_fan_in.app.testing() as harness:
        part = fan_out_fan_in.count.options(process_in=1).enqueue(["a"])
        last = fan_out_fan_in.total.options(max_retry=0).enqueue([part.id])
        (first,) = harness.run_pending()
        assert not first.is_failure
        harness.run_all()

        assert last.result(0) == {"a": 1}


def test_a_last_task_ends_if_a_part_has_failed():
    with fan_out_fan_in.app.testing() as harness:
        last = fan_out_fan_in.total.options(max_retry=3).enqueue(["no such part"])
        (handled,) = harness.run_pending()

        assert handled.is_failure
        assert last.info().state == "retry"


async def test_a_caller_gathers_what_many_have_counted():
    async with fan_out_fan_in.app.testing() as harness:
        gathering = asyncio.create_task(fan_out_fan_in.gathered(["a b", "b"] * 100))
        await eventually_async(harness.tasks)
        await harness.arun_pending()

        assert await gathering == {"a": 100, "b": 200}


def test_a_sale_is_booked_each_second_and_reported(tmp_path, monkeypatch):
    monkeypatch.setattr(periodic_report, "DATABASE", str(tmp_path / "sales.db"))

    with periodic_report.app.testing() as harness:
        for _ in range(3):
            harness.clock.advance(1)
            harness.run_pending(raises=True)
        report = periodic_report.report.enqueue()
        harness.run_pending(raises=True)

        assert report.result(0) == periodic_report.Report(3, 60)


def test_a_report_is_due_at_seven_in_berlin_in_summer_and_winter():
    (report,) = [each for each in periodic_report.app.periodic if each.key == "report"]

    friday_in_summer, friday_in_winter = (
        datetime(2026, 7, 3, 12, tzinfo=UTC),
        datetime(2026, 11, 27, 12, tzinfo=UTC),
    )
    due = [report.schedule.next_after(each) for each in (friday_in_summer, friday_in_winter)]

    assert [f"{each.astimezone(UTC):%a %d %H:%M}" for each in due] == [
        "Mon 06 05:00",
        "Mon 30 06:00",
    ]
