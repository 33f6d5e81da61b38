"""What producers ask for: few ids, payloads and groups, so that tasks get in each other's way."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from pyasynq.clock import to_datetime
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage
from tests.properties.state_machine.model import SECOND, ModelTask

IDS = tuple("abcdefghij")
GROUPS = ("daily", "weekly")
TYPE = "email"
DEFAULT_TIMEOUT_S = 1800


@dataclass(frozen=True, slots=True)
class Request:
    """A task to enqueue, in seconds from now; None and "" for what is not given."""

    task_id: str = "a"
    payload: bytes = b"{}"
    unique_s: int | None = None
    unique_until: str | None = None
    in_s: float | None = None
    deadline_s: int | None = None
    expires_s: int | None = None
    retention_s: int | None = None
    max_retry: int = 1
    group: str | None = None

    @property
    def task(self) -> Task:
        return Task(TYPE, self.payload)

    def options(self, queue: str, now_ns: int) -> EnqueueOptions:
        """The options with which a client enqueues this."""
        now = to_datetime(now_ns)
        given: dict[str, Any] = {
            "task_id": self.task_id,
            "queue": queue,
            "unique": self.unique_s,
            "unique_until": self.unique_until if self.unique_s else None,
            "process_in": self.in_s,
            "deadline": None
            if self.deadline_s is None
            else now + timedelta(seconds=self.deadline_s),
            # As a time: a duration that is over before the task is due would be refused.
            "expires": None if self.expires_s is None else now + timedelta(seconds=self.expires_s),
            "retention": self.retention_s,
            "max_retry": self.max_retry,
            "group": self.group,
        }
        return EnqueueOptions(**{name: value for name, value in given.items() if value is not None})

    def lock_s(self) -> int:
        """The time to live of its lock, which counts from when the task is due."""
        return self.unique_s + math.ceil(self.in_s or 0) if self.unique_s else 0

    def expected(self, keys: QueueKeys, now_ns: int) -> ModelTask:
        """The task that must be stored for this."""
        due_ns = None if self.in_s is None else now_ns + int(self.in_s * SECOND)
        state = "pending" if self.group is None else "aggregating"
        message = TaskMessage(
            type=TYPE,
            payload=self.payload,
            id=self.task_id,
            queue=keys.queue,
            retry=self.max_retry,
            timeout=0 if self.deadline_s else DEFAULT_TIMEOUT_S,
            deadline=now_ns // SECOND + self.deadline_s if self.deadline_s else 0,
            unique_key=keys.unique(TYPE, self.payload) if self.unique_s else "",
            group_key=self.group or "",
            retention=self.retention_s or 0,
        )
        return ModelTask(
            message=message,
            state=state if due_ns is None else "scheduled",
            score=(now_ns if due_ns is None else due_ns) // SECOND,
            due_ns=due_ns,
            group=self.group or "",
            expires_at_ns=None if self.expires_s is None else now_ns + self.expires_s * SECOND,
            unique_until=self._stored_until(),
        )

    def _stored_until(self) -> str:
        until = self.unique_until if self.unique_s else None
        return "" if until in (None, "done") else until


requests = st.builds(
    Request,
    task_id=st.sampled_from(IDS),
    payload=st.sampled_from([b"", b"1", b"2", b"3"]),
    unique_s=st.sampled_from([None, 900, 900, 200_000]),
    unique_until=st.sampled_from([None, "done", "started", "archived"]),
    in_s=st.sampled_from([None, None, None, 0.5, 30, 400]),
    deadline_s=st.sampled_from([None, None, 100]),
    expires_s=st.sampled_from([None, None, 200]),
    retention_s=st.sampled_from([None, 300]),
    max_retry=st.sampled_from([0, 1, 2]),
    group=st.sampled_from([None, None, None, *GROUPS]),
)
plain_requests = st.builds(
    Request,
    task_id=st.sampled_from(IDS),
    payload=st.sampled_from([b"1", b"2", b"3"]),
    unique_s=st.sampled_from([None, 900]),
    unique_until=st.sampled_from(["done", "started", "archived"]),
    max_retry=st.sampled_from([0, 1]),
)
