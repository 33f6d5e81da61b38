"""The examples of two languages: Go enqueues for Python, and Python for Go."""

import asyncio
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [pytest.mark.needs("go"), pytest.mark.slow, pytest.mark.timeout(240)]


def built(example, folder):
    """Build the Go program of an example; return its path."""
    binary = folder / example
    subprocess.run(["go", "build", "-o", str(binary), "."], cwd=EXAMPLES / example, check=True)
    return str(binary)


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_go_program_enqueues_for_python_and_reads_its_results(
    redis_url, redis_server, tmp_path
):
    producer = built("go_producer_python_worker", tmp_path)
    app = load(EXAMPLES / "go_producer_python_worker" / "worker.py").app
    app.reconfigure(redis_url)

    async with app.server().running(app.mux):
        done = await asyncio.to_thread(
            subprocess.run,
            [producer, f"127.0.0.1:{redis_server.port}"],
            capture_output=True,
            text=True,
            check=True,
        )
    await app.aclose()

    assert done.stdout.splitlines() == [
        "r-0: page 0 for Ann, Bob (750ms)",
        "r-1: page 1 for nobody (750ms)",
    ]


def test_python_enqueues_for_a_go_program_and_reads_its_result(redis_url, redis_server, tmp_path):
    worker = subprocess.Popen(
        [built("python_producer_go_worker", tmp_path), f"127.0.0.1:{redis_server.port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with worker:
        done = subprocess.run(
            [sys.executable, "producer.py"],
            cwd=EXAMPLES / "python_producer_go_worker",
            env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
            capture_output=True,
            text=True,
            check=False,
        )
        worker.terminate()

        assert (done.stdout, done.stderr) == ("{'cents': 1349}\n", "")
        assert worker.stdout.read() == "customer 42 of north: 1349 cents\n"
