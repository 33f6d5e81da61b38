"""What findings say in Chinese: every code has a text, and every situation finds the one for it."""

import ast
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import pyasynq
from pyasynq.admin.attention import attention
from pyasynq.admin.doctor.abilities import abilities
from pyasynq.admin.doctor.doctor import Doctor
from pyasynq.admin.doctor.examination import looked_at
from pyasynq.admin.doctor.facts import DataFacts, InstanceFacts, Untagged
from pyasynq.admin.doctor.instance import instance
from pyasynq.admin.doctor.memory import memory
from pyasynq.admin.doctor.queues import untagged
from pyasynq.admin.doctor.roles import ROLES
from pyasynq.clock import FakeClock
from pyasynq.inspector import Finding
from pyasynq.inspector.explain.findings import explained, explained_enqueue
from pyasynq.web.pages.catalogue import LANGUAGES, texts_of
from pyasynq.web.pages.figures import Figures
from pyasynq.web.pages.said import evidence_of, forms, said
from tests.admin import test_attention as survey
from tests.admin.doctor import test_doctor as data
from tests.admin.doctor.test_rules import node
from tests.inspector.explain.test_findings import CASES, ENQUEUES

HOME = Path(pyasynq.__file__).parent
SOURCES = [
    *HOME.glob("inspector/explain/*.py"),
    *HOME.glob("admin/doctor/*.py"),
    HOME / "admin/attention.py",
]
NOW = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
TASK = {"queue": "mail", "task_id": "a"}
OTHERS = [each for each in LANGUAGES if each != "en"]

# Words of the field that Chinese has no others for, and what is quoted from settings and programs.
FOREIGN = re.compile(r"[A-Za-z]+(?: [a-z]+){2,}")


PLACE = re.compile(r"\{([a-z_]+)\}")
PLACES = {
    place
    for given in forms("zh").values()
    for form in given
    for place in PLACE.findall(form["sentence"] + form.get("advice", ""))
}


def say(finding, language="zh"):
    texts = texts_of(language)
    return said(texts, Figures(texts, NOW), TASK, finding)


def codes_of(path):
    """Return every code that a file gives to a finding, whichever way it is chosen."""
    tree = ast.parse(path.read_text())
    constants = {
        target.id: each.value.value
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant)
        for target in each.targets
    }
    for call in (each for each in ast.walk(tree) if isinstance(each, ast.Call)):
        if getattr(call.func, "id", "") == "_missing":
            yield call.args[0].value
        for given in call.keywords:
            if getattr(call.func, "id", "") == "Finding" and given.arg == "code":
                yield from chosen(given.value, constants)


def chosen(value, constants):
    if isinstance(value, ast.IfExp):
        yield from (*chosen(value.body, constants), *chosen(value.orelse, constants))
    elif isinstance(value, ast.Constant):
        yield value.value
    elif value.id in constants:
        yield constants[value.id]


def faults(findings):
    """Return what is left in English, is not filled in, or lacks its advice."""
    for each in findings:
        words = say(each)
        places = set(PLACE.findall(words.sentence + words.advice)) & PLACES
        if words.language == "en" or places or bool(words.advice) != bool(each.advice):
            yield each.code, words


@pytest.mark.parametrize("language", OTHERS)
def test_every_code_has_a_text(language):
    codes = {code for path in SOURCES for code in codes_of(path)}

    assert len(codes) > 70
    assert set(forms(language)) == codes


@pytest.mark.parametrize("language", OTHERS)
def test_forms_have_nothing_but_what_is_read(language):
    for code, given in forms(language).items():
        assert all(set(each) <= {"when", "sentence", "advice"} for each in given), code
        assert not any(
            FOREIGN.search(re.sub(r"`[^`]*`|\"[^\"]*\"", "", each["sentence"])) for each in given
        ), code


@pytest.mark.parametrize("name", CASES)
def test_why_a_task_does_not_run_is_told_in_chinese(name):
    assert list(faults(explained(CASES[name][0]))) == []


@pytest.mark.parametrize("name", ENQUEUES)
def test_why_an_enqueue_is_refused_is_told_in_chinese(name):
    assert list(faults(explained_enqueue(*ENQUEUES[name][0]))) == []


def test_what_needs_a_person_is_told_in_chinese():
    queue, now = survey.queue, survey.NOW
    full = survey.server(survey.worker(deadline=survey.AGO), concurrency=1, status="stopped")
    orphans = [survey.task("a", is_orphaned=True), survey.task("b", is_orphaned=True)]
    surveys = [
        attention([queue(error="WRONGTYPE", pending=3, archived=9500)], [], {}, now),
        attention([queue(is_paused=True)], [], {}, now),
        attention([queue(is_paused=True, paused_by="ann", paused_until=now)], [], {}, now),
        attention([queue(processed=90, failed=90)], [], {}, now),
        attention([queue(pending=1, latency=timedelta(hours=1))], [full], {}, now),
        attention([queue(pending=1, latency=timedelta(hours=1))], [survey.server()], {}, now),
        attention([queue(active=2)], [full], {"mail": orphans}, now),
        attention([queue(active=2)], [full], {"mail": orphans[:1]}, now),
        attention([queue(active=2)], [], {"mail": orphans}, now),
        attention([queue(archived=5)], [], {}, now, earlier=[queue(timestamp=survey.AGO)]),
    ]

    assert [fault for findings in surveys for fault in faults(findings)] == []


@pytest.mark.parametrize("name", data.DATA)
def test_what_the_doctor_finds_in_the_data_is_told_in_chinese(name, redis_url, redis_client):
    data.DATA[name][0](redis_client)
    with Doctor(redis_url, clock=FakeClock(NOW)) as doctor:
        findings = doctor.examine(scan=1000).findings

    assert list(faults(findings)) == []


def of_redis():
    """Yield findings that no Redis of the tests gives."""
    failed = {
        "INFO": "no permission",
        **dict.fromkeys(("SUBSCRIBE", "TIME", "scripts", "several keys"), "refused"),
        **dict.fromkeys(("undeclared keys", "CLIENT TRACKING", "BLMOVE"), "refused"),
    }
    poor = {
        "maxmemory": "100",
        "used_memory": "100",
        "rdb_last_bgsave_status": "err",
        "connected_slaves": "1",
        "slave0": "ip=h,port=1,lag=99",
    }
    cases = [
        InstanceFacts(nodes=[node(redis_mode="sentinel")], offset_ns=-(10**10)),
        InstanceFacts(nodes=[node(role="slave", master_host="h", master_port="1")], sentinels=2),
        InstanceFacts(nodes=[node(redis_mode="cluster")], slots=[(0, 9, [("n", "h", 1)])]),
        InstanceFacts(kind="cluster", cluster={"cluster_state": "fail"}),
        InstanceFacts(failed={"INFO": "permitted to nobody"}, is_spread=True),
        InstanceFacts(failed={"INFO": "unknown"}, round_trips_ns=[10**8]),
        InstanceFacts(failed={"EVAL": "connection closed"}),
        InstanceFacts(failed=failed, commands={"ZADD": "NOPERM", "LPOS": "unknown"}),
        InstanceFacts(failed={"BLMOVE": "x"}, commands={"LPOS": "NOPERM", "EXISTS": "OOM"}),
        *(InstanceFacts(nodes=[node(redis_version=each)]) for each in ("4.0", "5.0", "6.0", "6.2")),
        *(
            InstanceFacts(nodes=[node(maxmemory_policy=each, **poor)])
            for each in ("allkeys-lru", "volatile-ttl")
        ),
        InstanceFacts(nodes=[node(maxmemory_policy="allkeys-lru")], round_trips_ns=[10**6]),
    ]
    for facts in cases:
        yield from instance(facts)
        yield from memory(facts)
        yield from abilities(facts, ROLES, is_given=True)
    yield looked_at(DataFacts())
    yield looked_at(DataFacts(scanned=5, is_scan_complete=False))
    yield untagged(Untagged(name="", kept=["asynq:{}:active"]))


def test_what_the_doctor_finds_in_redis_is_told_in_chinese():
    assert list(faults(of_redis())) == []


def test_values_are_written_as_pages_write_them_and_commands_are_code():
    finding = Finding(
        code="orphaned",
        severity="warning",
        sentence="x",
        advice="y",
        evidence={"lease_ends_at": NOW - timedelta(hours=2)},
    )
    unserved = Finding(
        code="no_server",
        severity="error",
        sentence="x",
        advice="y",
        evidence={"queue": "a<b; c", "live_servers": 0},
    )

    assert re.search(r"租约已于<time [^>]*>2小时前</time>到期", say(finding).sentence)
    assert "“a&lt;b; c”" in say(unserved).sentence
    assert "<code>pyasynq worker MODULE:APP -q &#39;a&lt;b; c&#39;</code>" in say(unserved).advice


def test_what_no_form_fits_is_told_in_english():
    strange = {"code": "lock_held", "severity": "error", "sentence": "A <b>.", "advice": "do `x`"}
    known = Finding(**strange, evidence={})

    assert say(known).sentence == "A <b>."
    assert say(known).advice == "do <code>x</code>"
    assert say(known).language == "en"
    assert say(Finding(**{**strange, "code": "new"}, evidence={})).language == "en"
    assert evidence_of(known)["severity"] == "error"


def test_an_english_page_has_the_sentence_of_the_finding():
    finding = Finding(code="paused", severity="info", sentence="It is.", evidence={"queue": "q"})

    assert say(finding, "en").sentence == "It is."
