"""The shop of shop.py, in a Redis."""

import pytest

from tests.support import shop


@pytest.fixture
def shop_url(redis_url, redis_client):
    shop.fill(redis_client)
    return redis_url
