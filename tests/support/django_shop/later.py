"""Tasks of Django, of the package django-tasks or of Django 6."""

from typing import Any

from pyasynq.contrib.django.task_package import TaskContext, task

SEEN: list[Any] = []


@task()
def add(left: int, right: int = 0) -> int:
    return left + right


@task()
async def add_async(left: int, right: int = 0) -> int:
    return left + right


@task()
def fail() -> None:
    raise ValueError("no tea")


@task()
async def fail_async() -> None:
    raise LookupError("no milk")


@task()
def leave() -> None:
    raise SystemExit(1)


@task()
def return_what_is_no_json() -> object:
    return object()


@task(takes_context=True)
def tell(context: TaskContext, what: str) -> list[Any]:
    SEEN.append(context.task_result)
    return [what, context.attempt, context.task_result.id]


@task(backend="retrying", takes_context=True)
def fail_twice(context: TaskContext) -> int:
    if context.attempt < 3:
        raise ValueError(f"attempt {context.attempt}")
    return context.attempt


def plain() -> None: ...


renamed = task()(plain)
not_a_task = plain
