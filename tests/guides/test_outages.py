"""The guide to outages: its code is code that runs here."""

import django.conf
import httpx
from django.http import JsonResponse
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from pyasynq import App, RedisUnavailableError
from tests.support.ports import free_port

tasks = App(f"redis://127.0.0.1:{free_port()}", enqueue_patience=0.01)


@tasks.task
def send_welcome(user_id: int) -> None: ...


api = FastAPI()


@api.exception_handler(RedisUnavailableError)
async def come_again(request: Request, error: RedisUnavailableError) -> JSONResponse:
    return JSONResponse({"detail": "busy"}, status_code=503, headers={"Retry-After": "2"})


@api.post("/welcome/{user_id}", status_code=202)
async def welcome(user_id: int) -> dict[str, str]:
    handle = await send_welcome.aenqueue(user_id)
    return {"task": handle.id}


class ComeAgain:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)

    def process_exception(self, request, error):
        if isinstance(error, RedisUnavailableError):
            return JsonResponse({"detail": "busy"}, status=503, headers={"Retry-After": "2"})
        return None


def test_a_patience_is_that_of_the_app_or_of_the_call():
    app = App(enqueue_patience=1.0)  # default: 5 seconds

    @app.task
    def send_welcome(user_id: int) -> None: ...

    with app.testing() as harness:
        calls = [send_welcome.bind(43), send_welcome.bind(44)]
        send_welcome.enqueue(42)
        send_welcome.options(patience=0.2).enqueue(42)  # of one call
        app.enqueue_many(calls, patience=30)

        assert len(harness.tasks()) == 4


async def test_a_request_is_answered_with_503():
    transport = httpx.ASGITransport(app=api)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        answer = await client.post("/welcome/42")
    await tasks.aclose()

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


def test_a_middleware_of_django_answers_with_503():
    if not django.conf.settings.configured:
        django.conf.settings.configure()
    error = RedisUnavailableError("away")
    answer = ComeAgain(lambda request: None).process_exception(None, error)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
