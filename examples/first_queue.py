"""The application of the tutorial, docs/tutorial/first-queue.md.

pyasynq dev first_queue:app      in one terminal: runs the tasks
python first_queue.py            in another one: enqueues three tasks
"""

from pyasynq import App, DuplicateTaskError, TaskContext, retry

app = App(name="first_queue")


@app.task(retention=600)
async def greet(name: str) -> str:
    """Return a greeting, which Redis keeps for ten minutes."""
    return f"hello {name}"


@app.task(max_retry=3, retry_delay=retry.fixed(1))
def deliver(ctx: TaskContext, name: str) -> None:
    """Fail at the first attempt, as networks do."""
    if ctx.attempt == 1:
        raise ConnectionError("nobody opens the door")
    print(f"letter for {name} delivered at attempt {ctx.attempt}", flush=True)


@app.periodic("@every 10s")
async def water_plants() -> None:
    """Run every ten seconds, in one worker."""
    print("the plants have water", flush=True)


if __name__ == "__main__":
    handle = greet.enqueue("Ann")
    print(handle.result(timeout=10))

    deliver.options(process_in=2).enqueue("Ann")

    try:
        deliver.options(process_in=3600, unique=3600).enqueue("Bob")
    except DuplicateTaskError as error:
        print(f"a letter for Bob is on its way: {error.holder_id}")
