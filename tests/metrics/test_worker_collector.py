"""A collector of workers shows what they have measured, in a registry of the user."""

import pytest

import pyasynq.metrics
from pyasynq import App, ServeMux
from pyasynq.errors import ConfigError
from pyasynq.metrics import WorkerCollector
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.version import __version__
from pyasynq.worker.server import Server
from tests.support.scraped import of, scraped


async def test_a_server_that_works_and_one_that_has_not_started_can_be_scraped(work, redis_url):
    new = scraped(WorkerCollector(Server(redis_url)))
    async with work.serving(ServeMux()) as server:
        samples = scraped(WorkerCollector(server))

    assert of(new, "pyasynq_worker_ready") == 0
    assert of(samples, "pyasynq_worker_ready") == 1
    assert of(samples, "pyasynq_worker_slots", state="used") == 0
    assert of(samples, "pyasynq_worker_info", version=__version__) == 1


def test_several_are_put_together_as_processes_are(redis_url):
    samples = scraped(WorkerCollector(Server(redis_url), Server(redis_url), Scheduler(redis_url)))

    assert of(samples, "pyasynq_worker_processes") == 2
    assert of(samples, "pyasynq_worker_info", version=__version__) == 1


def test_the_worker_of_an_app_is_a_source(redis_url):
    app = App(redis_url)

    assert of(scraped(WorkerCollector(app.worker())), "pyasynq_worker_ready") == 0


@pytest.mark.parametrize("sources", [(), ("server",), (Server,)])
def test_what_measures_nothing_is_refused(sources):
    with pytest.raises(ConfigError):
        WorkerCollector(*sources)


def test_without_the_extra_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(pyasynq.metrics, "find_spec", lambda _name: None)
    monkeypatch.delitem(vars(pyasynq.metrics), "QueueCollector", raising=False)

    with pytest.raises(ImportError, match=r"pip install 'pyasynq\[metrics\]'"):
        _ = pyasynq.metrics.QueueCollector
