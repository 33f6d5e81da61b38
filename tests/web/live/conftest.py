"""The web UI with live updates that come quickly."""

from dataclasses import replace

import pytest

from pyasynq.web.live.pace import Pace

QUICK = Pace(poll_s=0.05, most_share=1.0)


@pytest.fixture
def make_live(make_web):
    """Makes an application whose pace is quick, but for what is given."""

    def make(*, pace=(), **settings):
        app = make_web(**settings).app
        app.live.pace = replace(QUICK, **dict(pace))
        return app

    return make


@pytest.fixture
def app(make_live):
    return make_live()
