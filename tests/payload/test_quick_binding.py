import inspect
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.payload.quick_binding import QuickBinding


def plain(a: Any, b: Any): ...
def with_defaults(a: Any, b: Any = 2, c: Any = None): ...
def with_keywords(a: Any, b: Any = 2, *, c: Any, d: Any = 4): ...
def without(): ...


FUNCTIONS = (plain, with_defaults, with_keywords, without)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(
    args=st.lists(st.integers(), max_size=5).map(tuple),
    kwargs=st.dictionaries(st.sampled_from("abcde"), st.integers()),
)
def test_a_call_is_bound_as_python_binds_it_or_declined(function, args, kwargs):
    signature = inspect.signature(function)
    try:
        bound = signature.bind(*args, **kwargs)
    except TypeError:
        expected = None
    else:
        bound.apply_defaults()
        expected = list(bound.arguments.items())

    found = QuickBinding(list(signature.parameters.values())).bind(args, kwargs)

    assert (None if found is None else list(found.items())) == expected


def test_what_was_given_is_not_changed():
    given_by_name = {"b": 1}

    QuickBinding(list(inspect.signature(plain).parameters.values())).bind((0,), given_by_name)

    assert given_by_name == {"b": 1}


def test_keys_that_are_no_names_are_declined():
    binding = QuickBinding(list(inspect.signature(plain).parameters.values()))

    assert binding.bind((), {"a": 1, 2: 3}) is None
