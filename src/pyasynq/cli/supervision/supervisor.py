"""``pyasynq worker --processes N``: keeps N worker processes running.

The supervisor runs no code of the application and holds no connection. It waits, in one thread,
for signals, for messages of its processes, and for their ends:

    SIGTERM, SIGINT   every process stops; a second one stops them without waiting for handlers
    SIGTSTP           no process fetches any more
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

from pyasynq.cli.exit_codes import USAGE
from pyasynq.cli.supervision.protocol import Order
from pyasynq.cli.supervision.relay import LineRelay
from pyasynq.cli.supervision.restarts import Restarts
from pyasynq.cli.supervision.signals import SignalQueue, queued_signals, reap
from pyasynq.cli.supervision.totals import Fleet, Totals
from pyasynq.cli.supervision.worker_process import WorkerProcess, ending, start_worker
from pyasynq.errors import ConfigError

logger = logging.getLogger("pyasynq.supervisor")

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGTSTP, signal.SIGCHLD)


@dataclasses.dataclass(slots=True)
class ProcessSlot:
    """One of the N processes, and its successors.

    Attributes:
        number: from 1; marks the lines of its process.
        process: None while it waits to be started again.
        started_at: when the process was started.
        due_at: when to start the next one.
        kill_at: when to kill the process; None: not at all.
    """

    number: int
    restarts: Restarts
    process: WorkerProcess | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    kill_at: float | None = None

    def forget(self) -> None:
        """Have no process any longer."""
        self.process = None


class Supervisor:
    """Runs worker processes until a signal.

    Args:
        order: what each of them shall do.
        processes: how many.
        relay: takes their output.
        restarts: makes, for each of the N, the waits before it is started again.

    Attributes:
        totals: what was counted by processes that have ended.
    """

    def __init__(
        self,
        order: Order,
        processes: int,
        relay: LineRelay,
        *,
        restarts: Callable[[], Restarts] = Restarts,
    ) -> None:
        self._order = order
        self._relay = relay
        self._slots = [ProcessSlot(number, restarts()) for number in range(1, processes + 1)]
        self._selector = selectors.DefaultSelector()
        self.totals = Totals()
        self._is_paused = False
        self._is_stopping = False
        self._has_failed = False
        self._config_error = ""

    @property
    def processes(self) -> list[WorkerProcess | None]:
        """The processes that run, None for one that is to be started again; in any thread."""
        return [slot.process for slot in self._slots]

    @property
    def fleet(self) -> Fleet:
        """The same, and what those have counted that have ended; in any thread."""
        return self.totals.fleet(lambda: self.processes)

    @property
    def is_stopping(self) -> bool:
        """Whether they were told to stop; in any thread."""
        return self._is_stopping

    def run(self) -> int:
        """Run until a signal and the end of every process.

        Returns:
            The exit code: 0, or 1 when a process failed while it stopped.

        Raises:
            ConfigError: the settings are wrong, as a process has reported.
        """
        number, pid = len(self._slots), os.getpid()
        logger.info("%d processes run %s; pid %d", number, self._order.target, pid)
        with self._selector, queued_signals(SIGNALS) as signals:
            self._selector.register(signals.channel, selectors.EVENT_READ)
            while not self._is_stopping or self._living():
                self._turn(signals)
        if self._config_error:
            raise ConfigError(self._config_error)
        logger.info("every process has ended")
        return 1 if self._has_failed else 0

    def _turn(self, signals: SignalQueue) -> None:
        """Start and kill what is due; then wait for something to happen, and react."""
        now = time.monotonic()
        for slot in self._slots:
            if slot.process is None and not self._is_stopping and slot.due_at <= now:
                self._start(slot)
            elif slot.process is not None and slot.kill_at is not None and slot.kill_at <= now:
                self._kill(slot, slot.process)
        for key, _events in self._selector.select(self._longest_wait_s()):
            if isinstance(key.data, WorkerProcess) and not key.data.receive():
                self._selector.unregister(key.fileobj)
        for number in signals.take():
            self._on_signal(number)
        for pid, status in reap():
            self._on_end(pid, status)

    def _longest_wait_s(self) -> float | None:
        moments = [slot.kill_at for slot in self._slots if slot.kill_at is not None]
        if not self._is_stopping:
            moments += [slot.due_at for slot in self._slots if slot.process is None]
        return max(0.0, min(moments) - time.monotonic()) if moments else None

    def _living(self) -> list[tuple[ProcessSlot, WorkerProcess]]:
        return [(slot, slot.process) for slot in self._slots if slot.process is not None]

    def _start(self, slot: ProcessSlot) -> None:
        slot.started_at = time.monotonic()
        mark = f"[{slot.number}] "
        outputs = [self._relay.pipe(mark=mark, sink=sink) for sink in (1, 2)]
        try:
            slot.process = start_worker(
                self._order,
                name=f"{slot.number}/{len(self._slots)}",
                stdout=outputs[0],
                stderr=outputs[1],
            )
        except OSError as error:
            self._start_later(slot, f"cannot be started: {error}")
            return
        finally:
            for descriptor in outputs:
                os.close(descriptor)
        self._selector.register(slot.process.channel, selectors.EVENT_READ, slot.process)
        if self._is_paused:
            slot.process.send("pause")

    def _start_later(self, slot: ProcessSlot, why: str) -> None:
        now = time.monotonic()
        delay_s = slot.restarts.delay_after(now - slot.started_at)
        slot.due_at = now + delay_s
        logger.warning("process %d %s; it starts again in %.2f s", slot.number, why, delay_s)

    def _on_signal(self, number: signal.Signals) -> None:
        if number == signal.SIGTSTP and not self._is_stopping:
            logger.info("SIGTSTP: fetching nothing more")
            self._is_paused = True
            for _slot, process in self._living():
                process.send("pause")
        elif number in (signal.SIGTERM, signal.SIGINT) and self._is_stopping:
            logger.info("%s again: not waiting for handlers", number.name)
            for _slot, process in self._living():
                process.send("hurry")
        elif number in (signal.SIGTERM, signal.SIGINT):
            logger.info("%s: stopping %d processes", number.name, len(self._living()))
            self._stop()

    def _stop(self) -> None:
        self._is_stopping = True
        for slot, process in self._living():
            process.send("stop")
            slot.kill_at = time.monotonic() + process.stops_within_s

    def _kill(self, slot: ProcessSlot, process: WorkerProcess) -> None:
        logger.error("process %d (pid %d) does not stop; killing it", slot.number, process.pid)
        process.kill()
        slot.kill_at = None

    def _on_end(self, pid: int, status: int) -> None:
        ended = [pair for pair in self._living() if pair[1].pid == pid]
        for slot, process in ended:
            process.ended(status)
            self._forget(process)  # reads its last messages
            slot.kill_at = None
            self.totals.end(process, slot.forget)
            self._on_end_of(slot, process)
        if not ended:
            logger.debug("the orphan with pid %d has ended", pid)

    def _forget(self, process: WorkerProcess) -> None:
        if process.channel in self._selector.get_map():
            self._selector.unregister(process.channel)
        process.close()

    def _on_end_of(self, slot: ProcessSlot, process: WorkerProcess) -> None:
        why = f"(pid {process.pid}) {ending(process)}"
        process.kill()  # what its handlers have left behind
        if self._is_stopping:
            if process.exit_code not in self._stopped_well():
                self._has_failed = True
                logger.warning("process %d %s while it stopped", slot.number, why)
        elif process.exit_code == USAGE:
            self._config_error = process.failure or f"process {slot.number} {why}"
            self._stop()
        else:
            self._start_later(slot, why)

    def _stopped_well(self) -> tuple[int, ...]:
        """Return the exit codes of processes that stopped well, or whose error is already known."""
        # Only a process that is still loading its code dies of a SIGTERM from elsewhere.
        return (0, -signal.SIGTERM, *([USAGE] if self._config_error else []))
