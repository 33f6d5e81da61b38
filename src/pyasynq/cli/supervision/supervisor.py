"""``pyasynq worker --processes N``: keeps N worker processes running.

The supervisor runs no code of the application and holds no connection. It waits, in one thread,
for signals, for what its processes say, and for their ends:

    SIGTERM, SIGINT   every process stops; a second one stops them without waiting for handlers
    SIGTSTP           every process fetches nothing more
    SIGCHLD           a process has ended: it is started again, later each time it ran badly

A process that ends because of wrong settings ends them all, since the next one would do the same.
"""

import dataclasses
import logging
import os
import selectors
import signal
import time
from collections.abc import Callable

from pyasynq.cli.supervision.frames import Order
from pyasynq.cli.supervision.relay import LineRelay
from pyasynq.cli.supervision.restarts import Backoff
from pyasynq.cli.supervision.signals import Arrived, heard, reap
from pyasynq.cli.supervision.worker_process import WorkerProcess, ending, start_worker
from pyasynq.errors import ConfigError

logger = logging.getLogger("pyasynq.supervisor")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP, signal.SIGCHLD)
CONFIG_ERROR = 2  # the exit code


@dataclasses.dataclass(slots=True)
class ProcessSlot:
    """One of the N, whichever process fills it.

    Attributes:
        number: from 1; marks the lines of its process.
        process: None while it waits to be started again.
        started_at: when the process was started.
        due_at: when to start the next one.
        kill_at: when to kill the process; None: not at all.
    """

    number: int
    backoff: Backoff
    process: WorkerProcess | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    kill_at: float | None = None


class Supervisor:
    """Runs worker processes until a signal.

    Args:
        order: what each of them shall do.
        processes: how many.
        relay: takes their output.
        backoff: makes a new one for each of the N.
    """

    def __init__(
        self,
        order: Order,
        processes: int,
        relay: LineRelay,
        *,
        backoff: Callable[[], Backoff] = Backoff,
    ) -> None:
        self._order = order
        self._relay = relay
        self._places = [ProcessSlot(number, backoff()) for number in range(1, processes + 1)]
        self._selector = selectors.DefaultSelector()
        self._is_paused = False
        self._is_stopping = False
        self._has_failed = False
        self._config_error = ""

    def run(self) -> int:
        """Run until a signal and the end of every process.

        Returns:
            The exit code: 0, or 1 when a process failed while it stopped.

        Raises:
            ConfigError: what a process said of its settings.
        """
        number, pid = len(self._places), os.getpid()
        logger.info("%d processes run %s; pid %d", number, self._order.target, pid)
        with self._selector, heard(SIGNALS) as arrived:
            self._selector.register(arrived.bell, selectors.EVENT_READ)
            while not self._is_stopping or self._living():
                self._turn(arrived)
        if self._config_error:
            raise ConfigError(self._config_error)
        logger.info("every process has ended")
        return 1 if self._has_failed else 0

    def _turn(self, arrived: Arrived) -> None:
        """Start and kill what is due; then wait for something to happen, and react."""
        now = time.monotonic()
        for place in self._places:
            if place.process is None and not self._is_stopping and place.due_at <= now:
                self._start(place)
            elif place.process is not None and place.kill_at is not None and place.kill_at <= now:
                self._kill(place, place.process)
        for key, _events in self._selector.select(self._longest_wait_s()):
            if isinstance(key.data, WorkerProcess) and not key.data.hear():
                self._selector.unregister(key.fileobj)
        for number in arrived.take():
            self._on_signal(number)
        for pid, status in reap():
            self._on_end(pid, status)

    def _longest_wait_s(self) -> float | None:
        moments = [place.kill_at for place in self._places if place.kill_at is not None]
        if not self._is_stopping:
            moments += [place.due_at for place in self._places if place.process is None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _living(self) -> list[tuple[ProcessSlot, WorkerProcess]]:
        return [(place, place.process) for place in self._places if place.process is not None]

    def _start(self, place: ProcessSlot) -> None:
        place.started_at = time.monotonic()
        mark = f"[{place.number}] "
        outputs = [self._relay.pipe(mark=mark, sink=sink) for sink in (1, 2)]
        try:
            place.process = start_worker(
                self._order,
                name=f"{place.number}/{len(self._places)}",
                stdout=outputs[0],
                stderr=outputs[1],
            )
        except OSError as error:
            self._start_later(place, f"cannot be started: {error}")
            return
        finally:
            for descriptor in outputs:
                os.close(descriptor)
        self._selector.register(place.process.line, selectors.EVENT_READ, place.process)
        if self._is_paused:
            place.process.tell("pause")

    def _start_later(self, place: ProcessSlot, why: str) -> None:
        now = time.monotonic()
        delay_s = place.backoff.delay_after(now - place.started_at)
        place.due_at = now + delay_s
        logger.warning("process %d %s; it starts again in %.2f s", place.number, why, delay_s)

    def _on_signal(self, number: signal.Signals) -> None:
        if number == signal.SIGTSTP and not self._is_stopping:
            logger.info("SIGTSTP: fetching nothing more")
            self._is_paused = True
            for _place, process in self._living():
                process.tell("pause")
        elif number in (signal.SIGTERM, signal.SIGINT) and self._is_stopping:
            logger.info("%s again: not waiting for handlers", number.name)
            for _place, process in self._living():
                process.tell("hurry")
        elif number in (signal.SIGTERM, signal.SIGINT):
            logger.info("%s: stopping %d processes", number.name, len(self._living()))
            self._stop()

    def _stop(self) -> None:
        self._is_stopping = True
        for place, process in self._living():
            process.tell("stop")
            place.kill_at = time.monotonic() + process.stops_within_s

    def _kill(self, place: ProcessSlot, process: WorkerProcess) -> None:
        logger.error("process %d (pid %d) does not stop; killing it", place.number, process.pid)
        process.kill()
        place.kill_at = None

    def _on_end(self, pid: int, status: int) -> None:
        ended = [pair for pair in self._living() if pair[1].pid == pid]
        for place, process in ended:
            process.ended(status)
            self._forget(process)
            place.process = place.kill_at = None
            self._on_end_of(place, process)
        if not ended:
            logger.debug("the orphan with pid %d has ended", pid)

    def _forget(self, process: WorkerProcess) -> None:
        if process.line in self._selector.get_map():
            self._selector.unregister(process.line)
        process.close()

    def _on_end_of(self, place: ProcessSlot, process: WorkerProcess) -> None:
        why = f"(pid {process.pid}) {ending(process)}"
        process.kill()  # what its handlers have left behind
        if self._is_stopping:
            if process.exit_code not in self._stopped_well():
                self._has_failed = True
                logger.warning("process %d %s while it stopped", place.number, why)
        elif process.exit_code == CONFIG_ERROR:
            self._config_error = process.failure or f"process {place.number} {why}"
            self._stop()
        else:
            self._start_later(place, why)

    def _stopped_well(self) -> tuple[int, ...]:
        """Return the exit codes of processes that stopped well, or about which all is said."""
        # Only a process that is still loading its code dies of a SIGTERM from elsewhere.
        return (0, -signal.SIGTERM, *([CONFIG_ERROR] if self._config_error else []))
