"""Frameworks that look whether a task is a coroutine function await it, and run its work."""

import asyncio
import functools
import inspect

import pytest

from pyasynq.app import App


@pytest.fixture
def app():
    return App("redis://nowhere.invalid")


def test_a_decorated_coroutine_function_is_one(app):
    @app.task
    async def welcome(user: int) -> int:
        return user

    for each in (welcome, welcome.options(max_retry=3)):
        assert asyncio.iscoroutinefunction(each)
        assert inspect.iscoroutinefunction(each) or not hasattr(inspect, "markcoroutinefunction")


def test_a_decorated_plain_function_is_none(app):
    @app.task
    def welcome(user: int) -> int:
        return user

    async def later(user: int) -> int:
        return user

    @app.task
    @functools.wraps(later)
    def wrapped(user: int) -> int:
        return asyncio.run(later(user))

    for each in (welcome, wrapped):
        assert not asyncio.iscoroutinefunction(each)
        assert not inspect.iscoroutinefunction(each)
