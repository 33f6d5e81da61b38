"""The page of Redis itself: a single server, a cluster, and one that does not tell."""

import re
from datetime import UTC, datetime

import pytest

from pyasynq.web import create_app
from pyasynq.web.pages.catalogue import texts_of
from pyasynq.web.pages.figures import Figures
from pyasynq.web.pages.redis_facts import facts_of, nodes_of, replicas_of, sections_of
from pyasynq.web.service.installation import RedisReport, fields_of, findings_of
from tests.support import every_state, hostile
from tests.support.web import Web

FIGURES = Figures(texts_of("en"), datetime(2026, 1, 1, tzinfo=UTC))
INFO = (
    "# Server\r\nredis_version:7.2.4\r\nredis_mode:standalone\r\nuptime_in_seconds:93600\r\n\r\n"
    "# Memory\r\nused_memory:2097152\r\nmaxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n\r\n"
    "# Replication\r\nrole:master\r\nconnected_slaves:1\r\n"
    "slave0:ip=10.0.0.2,port=6379,state=online,offset=1,lag=3\r\n"
)
NODES = (
    "bb 10.0.0.2:7001@17001 master - 0 1 2 connected 5461-10922 [93-<-aa]\n"
    "cc 10.0.0.3:7002@17002,host slave aa 0 1 2 disconnected\n"
    "aa 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-5460 5462\n"
    "dd :0@0 slave,noaddr bb 0 1 2 connected\n"
    "nonsense\n"
)


async def test_a_single_server_is_shown_in_figures_and_as_it_writes_them(web, now_s):
    page = await web.page("/redis")

    assert "Single server" in page
    for key in ("version", "used_memory", "peak_memory", "clients", "last_save", "changes"):
        assert f'id="fact-{key}"' in page
    assert re.search(r'<summary class="more">Memory</summary><pre class="text">used_memory:', page)


def test_figures_have_units_and_what_is_not_told_is_left_out():
    facts = dict(facts_of(fields_of(INFO), FIGURES))

    assert facts == {
        "version": "Redis 7.2.4",
        "mode": "standalone · master",
        "uptime": "1d 2h",
        "used_memory": "2.0 MB",
        "max_memory": "none",
        "policy": "allkeys-lru",
        "replicas": "1",
    }


def test_info_is_cut_into_its_sections():
    assert [title for title, _text in sections_of(INFO)] == ["Server", "Memory", "Replication"]
    assert sections_of("cluster_state:ok\r\n") == [("", "cluster_state:ok")]
    assert sections_of("") == []


def test_replicas_are_read_from_info():
    (replica,) = replicas_of(fields_of(INFO))

    assert (replica.address, replica.state, replica.lag) == ("10.0.0.2:6379", "online", "3")


def test_nodes_come_in_the_order_of_their_slots_with_their_replicas():
    nodes = nodes_of(NODES)

    assert [each.id for each in nodes] == ["aa", "cc", "bb", "dd"]
    assert [each.slots for each in nodes] == ["0-5460, 5462", "", "5461-10922", ""]
    assert [each.of for each in nodes] == ["", "10.0.0.1:7000", "", "10.0.0.2:7001"]
    assert [each.is_well for each in nodes] == [True, False, True, False]


def test_what_follows_from_the_report_is_told_with_it():
    found = findings_of(RedisReport(address="r:1", text=INFO), "standalone")

    assert [each.code for each in found] == ["eviction"]


@pytest.mark.parametrize(
    "text",
    ["", "#", ":", "a", "uptime_in_seconds:-1", f"maxmemory:{'9' * 400}", "rdb_last_save_time:²"],
)
def test_odd_reports_hide_nothing_else(text):
    info = fields_of(f"{text}\r\nrole:master\r\nslave0:x\r\nslaveX:y")

    assert ("mode", "master") in facts_of(info, FIGURES)
    assert len(replicas_of(info)) == 1


async def test_a_server_that_does_not_tell_is_shown_as_such(web, now_s, redis_client):
    redis_client.execute_command("ACL SETUSER", "default", "-info")
    try:
        page = await web.page("/redis")
    finally:
        redis_client.execute_command("ACL SETUSER", "default", "+info")

    assert "Redis does not tell about itself" in page
    assert 'id="facts"' not in page


async def test_a_cluster_is_shown_with_its_nodes_and_where_queues_are(cluster):
    with cluster.client() as client:
        every_state.store(client, "pending", "a", queue="mail", type="x")
        every_state.store(client, "pending", "b", queue='<b>"', type="x")
    web = Web(create_app(cluster.url))

    page = await web.page("/redis?sort=-slot")
    await web.close()

    assert "Cluster" in page
    assert len(re.findall(r'<tr id="node-', page)) == 3
    assert page.count("state-running") == 3
    assert {*re.findall(r'<tr id="location-([^"]*)"', page)} == {"mail", "&lt;b&gt;&#34;"}
    slots = [int(each.replace(",", "")) for each in re.findall(r'data-label="Slot">([\d,]+)', page)]
    assert slots == sorted(slots, reverse=True)
    assert 'id="raw-nodes"' in page
    assert hostile.faults(page) == []
