"""A web service with FastAPI: a request enqueues a report, others ask for its state and its result.

pyasynq dev fastapi_service:app    in one terminal: runs the tasks; starts a Redis if none runs
uvicorn fastapi_service:api        in another one (pip install 'pyasynq[dev,fastapi]')

curl localhost:8000/reports --json '{"numbers": [1, 2]}'
curl 'localhost:8000/reports/ID/result?wait=5'

The web UI is at http://localhost:8000/monitoring/, for "operator" with REPORTS_PASSWORD.
"""

import os
import secrets
from typing import Annotated

from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel

from pyasynq import App, SkipRetry, TaskHandle
from pyasynq.contrib.fastapi import handle_of, install_error_handlers, lifespan, mount_web_ui
from pyasynq.web import hash_password

app = App(name="report_service", queues={"reports": 1})


class Order(BaseModel):
    """What a report is made of."""

    numbers: list[float]


class Report(BaseModel):
    """What is returned."""

    count: int
    mean: float


@app.task("report:make", queue="reports", max_retry=3, timeout=30, retention=3600)
async def make_report(order: Order) -> Report:
    """Make a report, whose result Redis keeps for an hour."""
    if not order.numbers:
        raise SkipRetry("a report needs at least one number")  # trying again would not help
    return Report(count=len(order.numbers), mean=sum(order.numbers) / len(order.numbers))


api = FastAPI(lifespan=lifespan(app))
install_error_handlers(api)  # 503 while Redis is away, 404 for a report that does not exist, …
# Look at the tasks as "operator". A service with logins of its own passes a function instead.
PASSWORD = os.environ.get("REPORTS_PASSWORD") or secrets.token_urlsafe()
mount_web_ui(api, "/monitoring", app, auth=("operator", hash_password(PASSWORD)))

OrderedReport = Annotated[TaskHandle[Report], Depends(handle_of(make_report))]


@api.post("/reports", status_code=202)
async def order_report(order: Order) -> dict[str, str]:
    """Enqueue a report, and answer at once."""
    return {"id": (await make_report.aenqueue(order)).id}


@api.get("/reports/{task_id}")
async def state_of(report: OrderedReport) -> dict[str, str]:
    """Answer where the report stands: pending, active, retry, completed, or archived."""
    return {"state": (await report.ainfo()).state}


@api.get("/reports/{task_id}/result")
async def result_of(
    report: OrderedReport, wait: Annotated[float, Query(ge=0, le=30)] = 0
) -> Report:
    """Answer with the report; wait for it if need be."""
    return await report.aresult(timeout=wait)
