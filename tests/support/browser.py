"""What every module of tests in a real browser says of itself: ``pytestmark = BROWSER``.

The browser lasts as long as the session, so its tests and their fixtures run on the loop of the
session: an async fixture of theirs is made with ``@pytest_asyncio.fixture(loop_scope="session")``.
"""

import pytest

BROWSER = [pytest.mark.needs("chromium"), pytest.mark.asyncio(loop_scope="session")]
