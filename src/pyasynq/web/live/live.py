"""Live updates and own sampling of one application."""

import asyncio

from pyasynq.admin.metrics.sampler import Sampler
from pyasynq.web.live.listener import Listener
from pyasynq.web.live.pace import Pace
from pyasynq.web.live.poller import Opened, Poller
from pyasynq.web.live.sampling import Sampling

PACE = Pace()


class Live:
    """The pollers of one application, one for each event loop on which somebody looks.

    Args:
        opened: returns the inspector of the running loop.
        pace: how often and how long.
        is_sampling: whether samples are taken; not if Prometheus knows more.
    """

    def __init__(self, opened: Opened, *, pace: Pace = PACE, is_sampling: bool = True) -> None:
        self._opened = opened
        self.pace = pace
        self._is_sampling = is_sampling
        self._sampling = Sampling(lasting_s=pace.sampling_s, most_measured=pace.most_measured)
        self._pollers: dict[asyncio.AbstractEventLoop, Poller] = {}

    @property
    def sampler(self) -> Sampler:
        """What own sampling knows."""
        return self._sampling.sampler

    @property
    def is_running(self) -> bool:
        """Whether Redis is being read on the running loop."""
        poller = self._pollers.get(asyncio.get_running_loop())
        return poller is not None and poller.is_running

    def look(self) -> None:
        """Take samples for the next hour, since somebody looks at a page."""
        if not self._is_sampling:
            return
        self._sampling.look()
        poller = self._poller()
        if not poller.is_running:
            poller.run()

    def listen(self) -> Listener:
        """Return a new listener on the running loop.

        Raises:
            Refusal: there are too many.
        """
        return self._poller().listen()

    def leave(self, listener: Listener) -> None:
        """Forget a listener of the running loop; safe to repeat."""
        self._poller().leave(listener)

    def end_streams(self) -> None:
        """End all streams, since the server stops; any thread may call it, and again."""
        for loop, poller in list(self._pollers.items()):
            if not loop.is_closed():
                loop.call_soon_threadsafe(poller.end_streams)

    async def aclose(self) -> None:
        """End the streams of the running loop, and stop reading; safe to repeat."""
        poller = self._pollers.pop(asyncio.get_running_loop(), None)
        if poller is not None:
            await poller.close()

    def _poller(self) -> Poller:
        loop = asyncio.get_running_loop()
        if loop not in self._pollers:
            for other in [each for each in self._pollers if each.is_closed()]:
                del self._pollers[other]
            self._pollers[loop] = Poller(self._opened, self.pace, self._sampling)
        return self._pollers[loop]
