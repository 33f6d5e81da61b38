"""Numbers, times and texts as pages show them."""

import pytest

from pyasynq.web.pages.figures import advice


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("start one: `pyasynq worker -q a&b`", "start one: <code>pyasynq worker -q a&amp;b</code>"),
        ("`x` ends <it>", "<code>x</code> ends &lt;it&gt;"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("of queue 'a`b': `x`", "of queue &#39;a`b&#39;: `x`"),
        ("nothing", "nothing"),
    ],
)
def test_commands_in_advice_stand_out_and_are_harmless(text, shown):
    assert advice(text) == shown
