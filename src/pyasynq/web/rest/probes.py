"""What probes ask."""

import asyncio

from starlette.responses import Response

from pyasynq.errors import PyasynqError
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import answer
from pyasynq.web.routing import Call, Endpoint

NOT_READY = "redis does not answer"
PATIENCE_S = 0.8  # whoever waits for a probe does so for a second


async def is_alive(_call: Call) -> Response:
    """Answer that this process answers."""
    return answer({"status": "ok"})


async def is_ready(call: Call) -> Response:
    """Answer, within a second, whether Redis answers; not why it does not: everybody may ask."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await call.service.installation.ping()
    except (PyasynqError, TimeoutError) as error:
        raise Refusal(503, NOT_READY) from error
    return answer({"status": "ok"})


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/healthz",
        summary="Whether this process answers. Nobody needs to log in for that.",
        handle=is_alive,
        answer=dict[str, str],
        is_open=True,
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        summary="Whether Redis answers, too. Nobody needs to log in for that.",
        handle=is_ready,
        answer=dict[str, str],
        failures={503: "Redis does not answer"},
        is_open=True,
    ),
)
