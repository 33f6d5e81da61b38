"""The guide to cancelling: its code is code that runs here; what it does is in tests/worker."""

from pyasynq import App, Inspector, TaskContext
from pyasynq.testing import task_context

app = App()
rendered = []


@app.task(queue="critical")
def render(ctx: TaskContext, pages: int) -> None:
    for page in range(pages):
        if ctx.is_cancelled:
            return
        rendered.append(page)


def test_a_task_that_waits_is_not_changed_by_a_cancellation():
    with app.testing() as harness:
        handle = render.enqueue(7)
        handle.cancel()  # ends as a failure, so it is retried
        handle.cancel(then="archive")  # is archived, for a person to look at
        handle.cancel(then="drop")  # is deleted, with its unique lock

        assert handle.info().state == "pending"

        task_id, url = handle.id, harness.url
        with Inspector(url) as inspector:  # the same for a known ID
            inspector.tasks.cancel(task_id, then="archive", queue="critical")

        handle.delete()
        assert harness.tasks() == []


def test_a_plain_function_ends_when_it_is_cancelled():
    context = task_context()
    context.cancel()

    render(context, 7)

    assert rendered == []
