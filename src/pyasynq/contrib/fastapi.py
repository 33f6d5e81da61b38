"""pyasynq in applications of FastAPI and Starlette: lifespan, handles, errors, the web UI.

It needs the extra ``fastapi``. All but `status_router` works with Starlette alone.
"""

import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, overload

try:
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Mount
except ImportError as error:
    raise ImportError(
        "pyasynq.contrib.fastapi needs FastAPI or Starlette; run: pip install 'pyasynq[fastapi]'"
    ) from error

from pyasynq.app import App, TaskDefinition, TaskHandle
from pyasynq.contrib.http_errors import ANSWERED, answer_to
from pyasynq.errors import ConfigError, PyasynqError

if TYPE_CHECKING:
    from fastapi import APIRouter

    from pyasynq.web.access.gate import Access, Auth

__all__ = [
    "handle_of",
    "install_error_handlers",
    "lifespan",
    "mount_web_ui",
    "status_router",
]

R = TypeVar("R")
S = TypeVar("S", bound=Starlette)
State = Mapping[str, Any] | None
OwnLifespan = (
    Callable[[S], AbstractAsyncContextManager[State]]
    | Callable[[S], AbstractAsyncContextManager[None]]
    | Callable[[S], AsyncIterator[Any]]
)

LONGEST_WAIT_S = 30
NO_SUCH_TASK = "there is no such task"


@overload
def lifespan(
    app: App, own: None = None, *, worker: bool = False
) -> Callable[[Starlette], AbstractAsyncContextManager[Any]]: ...


@overload
def lifespan(
    app: App, own: OwnLifespan[S], *, worker: bool = False
) -> Callable[[S], AbstractAsyncContextManager[Any]]: ...


def lifespan(
    app: App, own: OwnLifespan[S] | None = None, *, worker: bool = False
) -> Callable[[S], AbstractAsyncContextManager[Any]]:
    """Return a lifespan for ``FastAPI(lifespan=…)`` that closes the connections of *app*.

    Nothing is connected before the first use, so the start needs no Redis. For several Apps write
    ``lifespan(first, lifespan(second, own))``.

    Args:
        app: whose connections are closed at the end, with those of web UIs that are mounted.
        own: a lifespan of yours. It is opened before the worker starts, and closed when the worker
            has ended and before the connections are closed. What it yields is the state.
        worker: whether tasks are run in this process, too: for development and small services.
            The start then needs Redis, and the end waits for running tasks.

    Raises:
        ConfigError: *app* is no App.
        RedisUnavailableError: at the start of the web server, with *worker*: Redis did not answer.
    """
    if not isinstance(app, App):
        raise ConfigError(
            f"lifespan needs an App, not {type(app).__name__}; write "
            "FastAPI(lifespan=lifespan(app)) with the App of your tasks"
        )
    opened: Any = asynccontextmanager(own) if inspect.isasyncgenfunction(own) else own

    @asynccontextmanager
    async def around(api: S) -> AsyncIterator[State]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(app.aclose)
            stack.push_async_callback(_close_web_uis, api)
            state = await stack.enter_async_context(opened(api)) if opened else None
            if worker:
                await stack.enter_async_context(app.worker().running())
            yield state

    return around


def install_error_handlers(api: Starlette) -> None:
    """Answer errors of pyasynq that a request runs into as JSON, with a status that fits.

    | error | status |
    |---|---|
    | `RedisUnavailableError` | 503 with Retry-After; ``may_have_happened`` tells whether the task \
may be stored |
    | `DuplicateTaskError` | 409 with ``holder_id`` |
    | `TaskIdConflictError` | 409 with ``task_id`` and ``state`` |
    | `PayloadError` of a new task | 422 with ``path`` |
    | `TaskNotFoundError`, `QueueNotFoundError`, `ResultNotKeptError` | 404 |
    | `ResultTimeoutError`: not done yet | 409 with ``state`` and Retry-After |
    | `TaskFailedError` | 424 |

    All others are 500, as before. A handler of yours for one of these classes wins if it is added
    later.
    """
    for each in ANSWERED:
        api.add_exception_handler(each, _answer)


def handle_of(
    task: TaskDefinition[..., R, Any, ...],
) -> Callable[[str], Awaitable[TaskHandle[R]]]:
    """Return a dependency that looks up the task of this type whose ID is ``task_id`` in the path.

        @api.get("/reports/{task_id}")
        async def state(report: Annotated[TaskHandle[Report], Depends(handle_of(make_report))]):

    An ID of another type of task is not found. It asks Redis once. Who may see the task is for the
    application to check: an ID is hard to guess, but not a secret.

    Raises:
        HTTPException: 404, there is no such task; 503, Redis does not answer.
    """

    async def found(task_id: str) -> TaskHandle[R]:
        try:
            handle = task.handle(task_id)
            if not task.handles((await handle.ainfo()).type):
                raise HTTPException(404, NO_SUCH_TASK)
        except ConfigError as error:  # this can be no ID
            raise HTTPException(404, NO_SUCH_TASK) from error
        except PyasynqError as error:
            answer = answer_to(error)
            if answer is None:
                raise
            raise HTTPException(
                answer.status, answer.body["detail"], headers=dict(answer.headers)
            ) from error
        return handle

    return found


def status_router(
    task: TaskDefinition[..., Any, Any, ...], *, dependencies: Sequence[Any]
) -> "APIRouter":
    """Return a router that tells how tasks of one type are, and what they returned.

    ``GET /{task_id}`` answers with ``id``, ``state``, ``attempt``, ``max_retry`` and ``progress``;
    ``GET /{task_id}/result?wait=5`` with the result as it is stored, or 409 as long as there is
    none, 424 if the task has failed, 404 if nothing is kept. Errors of handlers are not shown.

        api.include_router(status_router(make_report, dependencies=[Depends(user)]), prefix="/jobs")

    Args:
        task: others are not found.
        dependencies: what each request must pass, as in `fastapi.APIRouter`: who may see the
            tasks. Whoever may see one may see all of this type.

    Raises:
        ConfigError: there is no dependency: nobody would ask who it is.
    """
    from fastapi import APIRouter, Depends, Query  # noqa: PLC0415 - Starlette has none

    if not dependencies:
        raise ConfigError(
            "status_router needs a dependency that tells who may see tasks, such as "
            "dependencies=[Depends(current_user)]"
        )
    router = APIRouter(dependencies=list(dependencies))
    of_path = Depends(handle_of(task))

    @router.get("/{task_id}")  # noqa: FAST003 - handle_of takes it
    async def status(handle: Annotated[TaskHandle[Any], of_path]) -> Response:
        try:
            return JSONResponse(await _status(handle))
        except PyasynqError as error:
            return _response(error)

    @router.get("/{task_id}/result")  # noqa: FAST003 - as above
    async def result(
        handle: Annotated[TaskHandle[Any], of_path],
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S)] = 0,
    ) -> Response:
        try:
            return await _result(handle, wait)
        except PyasynqError as error:
            return _response(error)

    return router


def mount_web_ui(
    api: Starlette,
    path: str,
    app: App,
    *,
    auth: "Auth | tuple[str, str] | None",
    access: "Access" = "read",
    **settings: Any,
) -> None:
    """Mount the web UI of *app* at *path*; it needs the extra ``web``.

    Args:
        auth: who a visitor is: a function that is given the request, with its session and state,
            and returns a name, or None for nobody. Dependencies do not apply to what is mounted.
            None only if middlewares of yours let nobody else come here.
        access: what visitors may do; they may look if it is not given.
        settings: any other argument of `pyasynq.web.create_app`.

    Raises:
        ConfigError: names everything that is wrong.
        ImportError: the extra ``web`` is missing.
    """
    from pyasynq.contrib.web_ui import WebUi  # noqa: PLC0415 - it needs an extra

    if not path.startswith("/") or path == "/":
        raise ConfigError(f"mount the web UI at a path such as '/monitoring', not {path!r}")
    api.mount(path.rstrip("/"), WebUi(app, {"auth": auth, "access": access, **settings}))


async def _close_web_uis(api: Starlette) -> None:
    """Close what `mount_web_ui` has mounted; without its module, nothing is mounted."""
    module = sys.modules.get("pyasynq.contrib.web_ui")
    if module is None:
        return
    for route in api.routes:
        if isinstance(route, Mount) and isinstance(route.app, module.WebUi):
            await route.app.aclose()


async def _answer(_request: Request, error: Exception) -> Response:
    return _response(error)


def _response(error: Exception) -> Response:
    """Return the answer to an error; raise it if it is a fault of the application itself."""
    answer = answer_to(error)
    if answer is None:
        raise error
    return JSONResponse(dict(answer.body), answer.status, dict(answer.headers))


async def _status(handle: TaskHandle[Any]) -> dict[str, Any]:
    info, progress = await handle.ainfo(), await handle.aprogress()
    told = None
    if progress is not None:
        told = {"done": progress.done, "total": progress.total, "note": progress.note}
    return {
        "id": info.id,
        "state": info.state,
        "attempt": info.attempt,
        "max_retry": info.max_retry,
        "progress": told,
    }


async def _result(handle: TaskHandle[Any], wait_s: float) -> Response:
    """Wait for the result and return it as it is stored, without decoding it."""
    returned = await handle.aresult(timeout=wait_s)
    if isinstance(returned, bytes):
        return Response(returned, media_type="application/octet-stream")
    stored = (await handle.ainfo()).result
    return Response(stored or b"null", media_type="application/json")
