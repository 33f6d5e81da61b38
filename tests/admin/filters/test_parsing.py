"""The filter language is read, written again, and every mistake is told with its column."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.admin.filters import AllOf, AnyOf, Not, Term, Text, all_of, any_of, parse
from pyasynq.admin.filters.fields import FIELDS, OPERATORS, Kind
from pyasynq.errors import ConfigError, FilterError
from pyasynq.task import TaskState

ARCHIVED = Term("state", ":", ("archived",))


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("", AllOf(())),
        ("  ", AllOf(())),
        ("state:archived", ARCHIVED),
        ("state:RETRY,archived", Term("state", ":", ("retry", "archived"))),
        ('queue:a,"b c"', Term("queue", ":", ("a", "b c"))),
        ("type:email:*", Term("type", ":", ("email:*",))),
        ("type!=email", Term("type", "!=", ("email",))),
        ('group=""', Term("group", "=", ("",))),
        ("error~timeout", Term("error", "~", ("timeout",))),
        ("error~'say \"no\"'", Term("error", "~", ('say "no"',))),
        (r'error~"a \"b\" \\ \n"', Term("error", "~", ('a "b" \\ \\n',))),
        ("payload~x,y", Term("payload", "~", "x,y")),
        ("payload.user.id=42", Term("payload", "=", 42, ("user", "id"))),
        ('payload.user.id="42"', Term("payload", "=", "42", ("user", "id"))),
        ("payload.a[0][-1].b>1.5", Term("payload", ">", 1.5, ("a", 0, -1, "b"))),
        ('payload."my key"=null', Term("payload", "=", None, ("my key",))),
        ("payload.ok:true", Term("payload", ":", True, ("ok",))),
        ("result.sku:AB*", Term("result", ":", "AB*", ("sku",))),
        ("headers.trace=abc", Term("headers", "=", "abc", ("trace",))),
        ("retried>=3", Term("retried", ">=", 3)),
        ("size>10kB", Term("size", ">", 10_000)),
        ("size<1.5MiB", Term("size", "<", 1_572_864)),
        ("orphaned:TRUE", Term("orphaned", ":", True)),
        ("age>1h30m", Term("age", ">", timedelta(minutes=90))),
        ("age>1w", Term("age", ">", timedelta(days=7))),
        ("next<1.5s", Term("next", "<", timedelta(seconds=1.5))),
        ("failed>2030-01-31", Term("failed", ">", datetime(2030, 1, 31, tzinfo=UTC))),
        ("since<2030-01-31T12:00+02:00", Term("since", "<", datetime(2030, 1, 31, 10, tzinfo=UTC))),
        ("timeout", Text("timeout")),
        ('"connection refused"', Text("connection refused")),
        ("!state:archived", Not(ARCHIVED)),
        ("not state:archived", Not(ARCHIVED)),
        ("a b", AllOf((Text("a"), Text("b")))),
        ("a and b AND c", AllOf((Text("a"), Text("b"), Text("c")))),
        ("a or b c", AnyOf((Text("a"), AllOf((Text("b"), Text("c")))))),
        ("(a or b) c", AllOf((AnyOf((Text("a"), Text("b"))), Text("c")))),
        ("!(a b)", Not(AllOf((Text("a"), Text("b"))))),
        ("!!a", Not(Not(Text("a")))),
        ('"or"', Text("or")),
        ("type:or", Term("type", ":", ("or",))),
    ],
)
def test_a_query_is_read_and_written_as_what_it_means(query, meant):
    assert parse(query) == meant
    assert parse(str(meant)) == meant


@pytest.mark.parametrize(
    ("query", "column", "told"),
    [
        ("tyype:x", 1, "unknown field 'tyype'; did you mean 'type'?"),
        ("a status:x", 3, "unknown field 'status'; did you mean 'state'?"),
        ("user.id=4", 1, "payload.user.id looks into the payload"),
        ("http://x", 1, "put the whole word in quotes"),
        ("state:arkived", 7, "'arkived' is not a state; did you mean 'archived'?"),
        ("state:retry,dead", 13, "did you mean 'archived'?"),
        ("state~archived", 6, "state does not take '~'; use : = !="),
        ("age:1h", 4, "age does not take ':'; use < <= > >="),
        ("payload:x", 8, "write payload~text, or payload.key=value"),
        ("age>10", 5, "'10' has no unit; write 10s, 10m, 10h or 10d"),
        ("age>soon", 5, "'soon' is not a length of time; write it like"),
        ("age>9999999999999d", 5, "is too long"),
        ("next<banana", 6, "'banana' is not a time; write it like"),
        ("failed>2030-01-31T12:00", 8, "has no time zone; end it with Z"),
        ("retried>=x", 10, "'x' is not a whole number"),
        ("retried>99999999999999999999", 9, "is too large"),
        ("size>10zb", 6, "'10zb' is not a size; write it like"),
        ("orphaned:maybe", 10, "'maybe' is neither true nor false"),
        ("payload.n>9e999", 11, "is too large; put it in quotes"),
        ("payload.a[99999999999]=1", 23, "is too large"),
        ("headers=x", 1, "headers need a name; write headers.NAME=value"),
        ('a error~"b c', 9, 'the quote " is not closed; write " at its end'),
        ('"a"b', 4, "there is more behind the closing quote"),
        ('type:"a"b', 9, "there is more behind the closing quote"),
        ("type:", 6, "a value is missing after 'type:'"),
        ("type: email", 6, "remove the space after 'type:'"),
        ("state:archived,", 16, "a value is missing"),
        ("(a b", 1, "'(' is not closed; write ')' at the end"),
        ("a b)", 4, "')' closes nothing"),
        ("or a", 1, "a condition is missing here"),
        ("a and", 6, "a condition is missing here"),
        ("a or or b", 6, "a condition is missing here"),
        ("!", 2, "a condition is missing here"),
        ("=x", 1, "a field is missing here"),
        ("(" * 60, 51, "more than 50 levels"),
        ("x" * 10_001, 1, "at most 10000 characters"),
    ],
)
def test_a_mistake_is_told_with_its_column_and_what_to_write(query, column, told):
    with pytest.raises(FilterError) as caught:
        parse(query)

    assert isinstance(caught.value, ConfigError)
    assert caught.value.column == column
    assert told in str(caught.value)
    assert str(caught.value).startswith(f"column {column} of the filter: ")


def test_every_field_is_refused_with_every_operator_that_it_does_not_take():
    every = {operator for operators in OPERATORS.values() for operator in operators}

    for name, field in FIELDS.items():
        for operator in every - set(OPERATORS[field.kind]):
            with pytest.raises(FilterError):
                parse(f"{name}{operator}1")


some = settings(max_examples=200 if settings.get_current_profile_name() == "steady" else 2000)
NAMES = st.text(max_size=8)
KEYS = st.text(min_size=1, max_size=5)
NUMBERS = st.integers(0, 2**63 - 1)
SPANS = st.timedeltas(timedelta(0), timedelta(days=999_999_999))
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))
VALUES = {
    Kind.STATE: st.lists(st.sampled_from([each.value for each in TaskState]), min_size=1).map(
        tuple
    ),
    Kind.NAME: st.lists(NAMES, min_size=1, max_size=3).map(tuple),
    Kind.NUMBER: NUMBERS,
    Kind.SIZE: NUMBERS,
    Kind.FLAG: st.booleans(),
    Kind.SPAN: SPANS,
    Kind.PAST: SPANS | MOMENTS,
    Kind.FUTURE: SPANS | MOMENTS,
    Kind.JSON: st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | NAMES,
}


@st.composite
def terms(draw):
    name = draw(st.sampled_from(list(FIELDS)))
    kind = FIELDS[name].kind
    path = ()
    if name == "headers":
        path = (draw(KEYS),)
    elif name in ("payload", "result") and draw(st.booleans()):
        path = tuple(draw(st.lists(KEYS | st.integers(-9, 99), min_size=1, max_size=3)))
    kind = Kind.JSON if path else kind
    operator = draw(st.sampled_from(OPERATORS[kind]))
    if operator == "~":
        text = draw(NAMES)
        return Term(name, operator, (text,) if kind is Kind.NAME else text, path)
    return Term(name, operator, draw(VALUES[kind]), path)


LEAVES = terms() | st.builds(Text, NAMES)
FILTERS = st.recursive(
    LEAVES,
    lambda parts: (
        st.builds(Not, parts)
        | st.lists(parts, max_size=3).map(all_of)
        | st.lists(parts, min_size=1, max_size=3).map(any_of)
    ),
    max_leaves=8,
)


@some
@given(FILTERS)
def test_what_is_written_is_read_as_the_same(query):
    assert parse(str(query)) == query


@given(st.text() | st.text(alphabet="()!\"'\\:=~<>, .[]0ahnostype", max_size=30))
def test_any_text_is_a_filter_or_a_clear_error(text):
    try:
        found = parse(text)
    except FilterError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert parse(str(found)) == found
