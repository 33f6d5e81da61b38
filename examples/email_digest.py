"""Sends one mail for many notifications: a group of tasks becomes one task.

python email_digest.py

Whoever has something to tell enqueues a task of its own. Those for one reader wait in a group until
nothing has come for a second, or until the first has waited for five. The mails are written into
the folder `outbox`. It uses the Redis that PYASYNQ_REDIS_URL names, else a private one, and ends by
itself.
"""

import asyncio
import os
from email.message import EmailMessage
from pathlib import Path

from pyasynq import App, Task, TaskEvent

OUTBOX = Path(os.environ.get("OUTBOX", "outbox"))

app = App(
    os.environ.get("PYASYNQ_REDIS_URL", "embedded:"),
    name="digest",
    queues={"mail": 1},
    task_check_interval=0.1,
)


@app.task("digest:note", queue="mail")
def note(reader: str, text: str) -> None:
    """Wait in a group for `digest`; nothing runs it alone."""


@app.task("digest:send", queue="mail", max_retry=5, retention=600)
def send(reader: str, texts: list[str]) -> str:
    """Write one mail with all that is new; return its subject.

    To send it, use ``smtplib.SMTP("localhost").send_message(mail)``. A task may run twice if its
    worker dies, so the name of the file is made of what it holds.
    """
    mail = EmailMessage()
    mail["To"], mail["From"] = reader, "news@example.com"
    mail["Subject"] = f"{len(texts)} news for you"
    mail.set_content("\n".join(f"* {text}" for text in texts))
    OUTBOX.mkdir(exist_ok=True)
    (OUTBOX / f"{reader}-{len(texts)}.eml").write_bytes(bytes(mail))
    return str(mail["Subject"])


@app.aggregator("digest:*", grace_period=1, max_delay=5, max_size=50)
def digest(group: str, tasks: list[Task]) -> Task:
    """Replace the notes for one reader by one task; an error here leaves the notes as they are."""
    reader = group.removeprefix("digest:")
    return send.bind(reader, sorted(note.arguments(task)["text"] for task in tasks))


sent: asyncio.Queue[str] = asyncio.Queue()  # of the worker in this process, for `main`


@app.on("succeeded")
async def on_success(event: TaskEvent) -> None:
    """Notice each mail; a listener never harms a task."""
    await sent.put(event.task_type)


def tell(reader: str, text: str) -> None:
    """Tell a reader something, with the next mail."""
    note.options(group=f"digest:{reader}").enqueue(reader, text)


def show() -> None:
    """Print all mails, also those of a run before."""
    for mail in sorted(OUTBOX.glob("*.eml")):
        print(f"--- {mail.stem}\n{mail.read_text().strip()}")


async def main() -> None:
    """Tell two readers some news, and wait for their mails."""
    told = {"ann@example.com": 5, "bob@example.com": 2}
    for reader, count in told.items():
        for number in range(count):
            await asyncio.to_thread(tell, reader, f"news {number + 1}")
    async with app.server().running(app.mux), asyncio.timeout(60):
        for _ in told:
            await sent.get()
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(main())
    show()
