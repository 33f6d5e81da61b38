"""What users and foreign programs may pass: good values, bad ones, and garbage."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

NASTY = (
    *("", " ", "\t\n", "\x00", "a\x00b", "{}", "{a}b", "a}b", "}", "a:b:c", "%s", "🦄", "é\u0301"),
    *("\ud800", "a\udfffb", "x" * 300, "x" * 20_000, "\u2028", "<>&", "-1", "null"),
)
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
garbage = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    texts,
    st.binary(max_size=40),
    st.lists(texts, max_size=3),
    st.dictionaries(texts, texts, max_size=3),
)
spans = st.one_of(
    st.floats(),
    st.integers(),
    st.timedeltas(),
    st.sampled_from([0, 1, 0.5, -1, 2**40, 1e18, timedelta(seconds=1)]),
)
moments = st.one_of(
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(timezones=st.just(timezone(timedelta(hours=-8)))),
    st.sampled_from([datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)]),
)
headers = st.dictionaries(texts, st.one_of(texts, garbage), max_size=3)
option_values = {
    "queue": texts,
    "task_id": texts,
    "max_retry": st.one_of(st.integers(), st.integers(0, 50)),
    "timeout": spans,
    "deadline": moments,
    "expires": st.one_of(spans, moments),
    "unique": spans,
    "unique_key": texts,
    "unique_until": st.one_of(st.sampled_from(["done", "started", "archived"]), texts),
    "process_at": moments,
    "process_in": spans,
    "retention": spans,
    "group": texts,
    "headers": headers,
}
options = st.fixed_dictionaries(
    {}, optional={name: st.one_of(each, garbage) for name, each in option_values.items()}
)
# Mostly right, so that most of it reaches Redis.
likely_options = st.fixed_dictionaries({}, optional=option_values)
