"""Enqueues tasks for a worker in Go, and prints what they return.

go run .              in one terminal, in this folder: the worker
python producer.py    in another one

The function that describes the task is never called here. It has the names and the types of the
payload, so that a type checker and pyasynq check each call before Go sees it.
"""

from dataclasses import dataclass
from datetime import timedelta

from pyasynq import App, RetryLater

app = App(name="invoices")


@dataclass
class Line:
    """A line of an invoice; in Go a struct of this form."""

    article: str
    cents: int


@app.task("invoice:sum", queue="invoices", max_retry=3, timeout=30, retention=3600)
def sum_up(customer: int, lines: list[Line], patience: timedelta) -> dict[str, int]:
    """Leave the task to the worker in Go, if a worker in Python has got it."""
    del customer, lines, patience
    raise RetryLater(1, "its handler is python_producer_go_worker/worker.go")


def main() -> None:
    """Enqueue an invoice, and wait for its sum."""
    lines = [Line("pen", 250), Line("paper", 1099)]
    described = sum_up.options(headers={"tenant": "north"})
    handle = described.enqueue(42, lines, timedelta(milliseconds=5))
    print(handle.result(timeout=60))


if __name__ == "__main__":
    main()
