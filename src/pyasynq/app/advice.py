"""What to write instead: for calls, attributes and settings as other task queues have them."""

import inspect
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from pyasynq.connection.connector import Connector
from pyasynq.connection.options import ConnectionOptions
from pyasynq.options import EnqueueOptions
from pyasynq.spelling import EXPLANATIONS, hint, nearest, translated

OPTIONS = EnqueueOptions.__dataclass_fields__.keys()

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def _each(names: str, advice: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), advice)


_LIFESPAN = "what happens around the work of a worker is written with @app.lifespan"
_MIDDLEWARE = "write @app.middleware"
_IMPORT = "import the modules of the tasks where the App is run"

ATTRIBUTES_OF_A_TASK: Mapping[str, str] = {
    **_each(
        "apply defer delay enqueue_call kiq perform_async perform_later publish push send submit",
        "enqueue(…), or `await aenqueue(…)` in async code",
    ),
    **_each("adelay aio_delay asend async_enqueue defer_async enqueue_async", "aenqueue(…)"),
    **_each(
        "apply_async call_later enqueue_in kicker schedule schedule_in send_with_options",
        "options(process_in=…).enqueue(…)",
    ),
    **_each("enqueue_at schedule_at", "options(process_at=…).enqueue(…)"),
    **_each("configure set using with_options", "options(…)"),
    **_each("message s si signature subtask", "bind(…)"),
    **_each("message_with_options", "options(…).bind(…)"),
    **_each("chunks map starmap", "enqueue_many([…])"),
    **_each("call call_local fn func original_func run", "task(…), which calls its function"),
    **_each("actor_name name task_name", "type"),
    **_each("request", "a first parameter annotated TaskContext"),
    **_each("retry", "`raise RetryLater(…)` in its function"),
    **_each("AsyncResult get result", "result(…) of the handle that enqueue(…) returns"),
    **_each("info state status", "info() of the handle that enqueue(…) returns"),
    **_each("abort cancel revoke", "cancel() of the handle that enqueue(…) returns"),
    **{each: f"default_options.{each}" for each in OPTIONS},
}

ATTRIBUTES_OF_AN_APP: Mapping[str, str] = {
    **_each("actor job register", "@app.task"),
    **_each(
        "add_job add_task enqueue enqueue_job send send_task",
        "enqueue(…) of the task, as in resize.enqueue(…), or Client(…).enqueue(Task(…)) if only "
        "its type is known",
    ),
    **_each("AsyncResult fetch_job get_job get_result result", "task_handle(queue, task_id)"),
    **_each("on_shutdown on_startup shutdown startup", "@app.lifespan"),
    **_each("add_middleware", "@app.middleware"),
    **_each("error_handler exception_handler on_failure", '@app.on("failed")'),
    **_each("on_success", '@app.on("succeeded")'),
    **_each("event listener", '@app.on("failed")'),
    **_each("serve start worker_main", "run()"),
    **_each(
        "add_periodic_task cron cron_job periodic_task schedule scheduled",
        '@app.periodic("*/5 * * * *")',
    ),
    **_each("conf settings", "config"),
    **_each("control inspect inspector", "Inspector(…)"),
    **_each("autodiscover_tasks", "`import shop.tasks` where the App is run"),
    **_each("queues", "config.queues"),
}

ATTRIBUTES_OF_A_HANDLE: Mapping[str, str] = {
    **_each(
        "block get get_result join latest_result return_value value wait",
        "result(timeout=…), or `await aresult(…)` in async code",
    ),
    **_each(
        "failed get_status is_failed is_finished ready refresh state status successful",
        "info().state, or `(await ainfo()).state` in async code",
    ),
    **_each("abort revoke terminate", "cancel()"),
    **_each("job_id key message_id task_id", "id"),
}

_URL = 'where Redis is comes first, as in App("redis://localhost:6379")'
_PART_OF_THE_URL = 'it is a part of the URL, as in App("redis://user:password@localhost:6379/0")'

_SETTINGS: Mapping[str, str] = {
    **_each("broker broker_url connection host port redis redis_settings redis_url url", _URL),
    **_each("db password username", _PART_OF_THE_URL),
    "client_name": 'it is a part of the URL, as in App("redis://localhost?client_name=…")',
    "namespace": 'it is a part of the URL, as in App("redis://localhost?namespace=…")',
    **_each("main", "the name of the App is name=…"),
    **_each(
        "clock name on_invalid_payload on_invalid_result task_defaults",
        "it is given where the App is made",
    ),
    **_each("functions tasks", "each task is registered with @app.task"),
    **_each("autodiscover imports include", _IMPORT),
    **_each("beat_schedule cron_jobs", "each periodic task is registered with @app.periodic"),
    "timezone": "each periodic task has its own, as in @app.periodic(…, timezone=…)",
    **_each("ctx lifespan on_shutdown on_startup shutdown startup", _LIFESPAN),
    **_each("middleware middlewares", _MIDDLEWARE),
    **_each("backend result_backend results", EXPLANATIONS["store_results"]),
    **_each("serializer task_serializer", EXPLANATIONS["serializer"]),
    **_each("processes", "write `pyasynq worker --processes …`"),
    **_each("debug log_level loglevel", "write `pyasynq worker --log-level …`"),
    **_each("immediate is_async task_always_eager", "write `with app.testing(eager=True):`"),
}


def no_attribute(owner: object, what: str, name: str, instead: Mapping[str, str]) -> AttributeError:
    """Return the error for an attribute that *owner* does not have.

    Args:
        what: the owner is, such as "a task".
        instead: what to write instead of names that other task queues have.
    """
    advice = f"; write {instead[name]}" if name in instead else ""
    return AttributeError(f"{what} has no attribute {name!r}{advice}", name=name, obj=owner)


def on_arguments(function: Callable[..., Any], given: Collection[str]) -> str | None:
    """Return what to write instead of *given* keywords that *function* does not take.

    None if it takes all of them, or nothing is known.
    """
    taken = inspect.signature(function).parameters
    unknown = [each for each in given if each not in taken]
    options = [option for each in unknown if (option := translated(each, OPTIONS))]
    if options:
        written = ", ".join(f"{each}=…" for each in options)
        return f"for options write {function.__name__}.options({written}).enqueue(…)"
    for each in unknown:
        if each in EXPLANATIONS:
            return EXPLANATIONS[each]
        if near := nearest(each, taken):
            return f"did you mean {near!r}?"
    return None


def on_setting(given: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield a fault for each setting of an App that is unknown, with the one that may be meant."""
    for name in given:
        if name in known:
            continue
        option = translated(name, OPTIONS)
        if name in _SETTINGS or translated(name, known) or not option or name == "queue":
            advice = hint(name, known, _SETTINGS)
        else:
            advice = f"options of all tasks are task_defaults=EnqueueOptions({option}=…)"
        yield f"unknown setting {name!r}; {advice}"


def on_option(given: Iterable[str], known: Collection[str]) -> Iterator[str]:
    """Yield a fault for each option of a decorator that is unknown."""
    return (f"unknown option {name!r}; {hint(name, known)}" for name in given if name not in known)


def on_task_defaults(value: object) -> str | None:
    """Return what is wrong with the task_defaults of an App; None if they are options."""
    if isinstance(value, EnqueueOptions):
        return None
    words = value if isinstance(value, dict) and all(map(OPTIONS.__contains__, value)) else {}
    advice = f"; write EnqueueOptions({', '.join(f'{each}=…' for each in words)})" if words else ""
    return f"task_defaults must be EnqueueOptions, not {type(value).__name__}{advice}"


def on_source(source: object) -> str | None:
    """Return what to write instead of a *source* that does not say where Redis is; None if it may.

    A name in place of the URL is what Celery takes first.
    """
    if source is not None and not isinstance(source, str | ConnectionOptions | Connector):
        is_client = type(source).__module__.partition(".")[0] == "redis"
        is_client = is_client or hasattr(source, "connection_pool")
        wanted = "a URL, ConnectionOptions or a client of redis-py"
        return None if is_client else f"the first argument is {wanted}, not {type(source).__name__}"
    if not isinstance(source, str) or source == "localhost" or not _is_a_name(source):
        return None
    return f"{source!r} is not the URL of a Redis; to name the App write App(name={source!r})"


def on_swapped(queue: str, task_id: str) -> str | None:
    """Return what to write instead if *queue* is the ID of a task; None if it is not."""
    if _UUID.fullmatch(queue) and not _UUID.fullmatch(task_id):
        return (
            f"{queue!r} is the ID of a task: it looks like you swapped it with the queue; write "
            f"task_handle({task_id!r}, {queue!r})"
        )
    return None


def _is_a_name(text: str) -> bool:
    return re.fullmatch(r"[\w -]*[^\W\d][\w -]*", text) is not None
