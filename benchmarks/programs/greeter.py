"""The smallest App, for `pyasynq worker`: what is measured is how it starts."""

from pyasynq import App

app = App()


@app.task
async def greet(name: str) -> None:
    """Do nothing."""
    del name
