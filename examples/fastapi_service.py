"""A web service with FastAPI: a request enqueues a report, others ask for its state and its result.

pyasynq dev fastapi_service:app    in one terminal: runs the tasks; starts a Redis if none runs
uvicorn fastapi_service:api        in another one (pip install fastapi uvicorn)

curl localhost:8000/reports --json '{"numbers": [1, 2]}'
curl 'localhost:8000/reports/ID/result?wait=5'
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pyasynq import (
    App,
    NotFoundError,
    RedisUnavailableError,
    ResultNotKeptError,
    ResultTimeoutError,
    SkipRetry,
    TaskFailedError,
)

QUEUE = "reports"
app = App(name="report_service", queues={QUEUE: 1})


class Order(BaseModel):
    """What a report is made of."""

    numbers: list[float]


class Report(BaseModel):
    """What is returned."""

    count: int
    mean: float


@app.task("report:make", queue=QUEUE, max_retry=3, timeout=30, retention=3600)
async def make_report(order: Order) -> Report:
    """Make a report, whose result Redis keeps for an hour."""
    if not order.numbers:
        raise SkipRetry("a report needs at least one number")  # trying again would not help
    return Report(count=len(order.numbers), mean=sum(order.numbers) / len(order.numbers))


@asynccontextmanager
async def lifespan(_api: FastAPI) -> AsyncIterator[None]:
    """Close the connections of pyasynq when the web server stops."""
    yield
    await app.aclose()


api = FastAPI(lifespan=lifespan)


@api.exception_handler(RedisUnavailableError)
async def unavailable(_request: Request, _error: Exception) -> JSONResponse:
    """Answer 503 while Redis cannot be reached, so that the caller tries again."""
    return JSONResponse({"detail": "try again"}, status_code=503, headers={"retry-after": "5"})


@api.exception_handler(NotFoundError)
@api.exception_handler(ResultNotKeptError)
async def unknown(_request: Request, _error: Exception) -> JSONResponse:
    """Answer 404 for a report that does not exist, or no longer."""
    return JSONResponse({"detail": "no such report"}, status_code=404)


@api.post("/reports", status_code=202)
async def order_report(order: Order) -> dict[str, str]:
    """Enqueue a report, and answer at once."""
    return {"id": (await make_report.aenqueue(order)).id}


@api.get("/reports/{report_id}")
async def state_of(report_id: str) -> dict[str, str]:
    """Answer where the report stands: pending, active, retry, completed, or archived."""
    info = await app.task_handle(QUEUE, report_id).ainfo()
    return {"state": info.state, "last_error": info.last_error}


@api.get("/reports/{report_id}/result")
async def result_of(report_id: str, wait: Annotated[float, Query(ge=0, le=30)] = 0) -> Report:
    """Answer with the report; wait for it if need be."""
    try:
        report: Report = await app.task_handle(QUEUE, report_id).aresult(timeout=wait)
    except ResultTimeoutError as error:
        raise HTTPException(409, "the report is not done yet") from error
    except TaskFailedError as error:
        raise HTTPException(422, error.error) from error
    return report
