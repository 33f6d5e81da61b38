"""A task function is copied and pickled as a function is: by its name."""

import copy
import pickle
import subprocess
import sys

import pytest

from pyasynq.app import App

app = App("redis://127.0.0.1:1")


@app.task(queue="q")
def square(number: int) -> int:
    return number * number


@app.task("cube:it")
async def cube(number: int) -> int:
    return number**3


class Shapes:
    @staticmethod
    @app.task
    def area(number: int) -> int:
        return number


def test_a_task_function_is_found_again_by_its_name():
    for task in (square, cube, Shapes.area):
        assert pickle.loads(pickle.dumps(task)) is task


def test_it_is_not_copied():
    assert copy.copy(square) is square
    assert copy.deepcopy([square])[0] is square


def test_options_go_along():
    task = square.options(max_retry=2, retention=0, headers={"a": "b"})

    restored = pickle.loads(pickle.dumps(task))

    assert restored.spec is square.spec
    assert restored.bind(1) == task.bind(1)


def test_a_task_that_cannot_be_found_says_so():
    @app.task
    def inner(number: int) -> int:
        return number

    with pytest.raises(pickle.PicklingError, match=r"task 'inner' cannot be .* at the top level"):
        pickle.dumps(inner)


def test_another_task_of_the_same_name_is_not_taken_for_it():
    other = App("redis://127.0.0.1:1").task(square.spec.function)

    with pytest.raises(pickle.PicklingError, match="is not it"):
        pickle.dumps(other)


PROGRAM = """
import multiprocessing
from pyasynq import App
app = App("redis://127.0.0.1:1")

@app.task
def square(number: int) -> int:
    return number * number

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [2, 3]), flush=True)
"""


@pytest.mark.slow
def test_a_pool_of_processes_calls_a_task_function(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)

    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "[4, 9]\n", done.stderr
