"""The connections of an App in a project of Django: clients that know of transactions."""

from typing import TYPE_CHECKING, Any, cast

from asgiref.sync import sync_to_async
from typing_extensions import override

from pyasynq.app.clients import Clients
from pyasynq.broker.new_tasks.payload_size import PayloadSizes
from pyasynq.contrib.django.commit import (
    AfterCommit,
    AsyncAfterCommit,
    Commit,
    OnCommitErrors,
)
from pyasynq.contrib.django.transactions import (
    OnCommit,
    may_have_transactions,
    open_transactions,
)

if TYPE_CHECKING:
    from pyasynq.client import Client
    from pyasynq.client_async import AsyncClient


class TransactionalClients(Clients):
    """Clients that store tasks after the commit, if the caller is inside of a transaction.

    Attributes:
        on_commit: of which databases; may be set again before the first use.
        errors: what becomes of an error at the commit; likewise.
    """

    on_commit: OnCommit = True
    errors: OnCommitErrors = "log"

    @override
    def client(self) -> "Client":
        return self.client_for(self.on_commit)

    @override
    def opened_async_client(self) -> "AsyncClient | None":
        return self.opened_async_client_for(self.on_commit)

    @override
    async def async_client(self) -> "AsyncClient":
        return await self.async_client_for(self.on_commit)

    def client_for(self, on_commit: OnCommit) -> "Client":
        """Return a client that waits for the transactions that *on_commit* says."""
        later = self._later(on_commit)
        return super().client() if later is None else cast("Client", later)

    def opened_async_client_for(self, on_commit: OnCommit) -> "AsyncClient | None":
        """Return the client of the running loop, if it has one and there is no transaction."""
        if on_commit is not False and may_have_transactions():
            return None
        return super().opened_async_client()

    async def async_client_for(self, on_commit: OnCommit) -> "AsyncClient":
        """Return a client for the running loop; see `client_for`."""
        if on_commit is not False and may_have_transactions():
            later = await sync_to_async(self._later)(on_commit)
            if later is not None:
                return cast("AsyncClient", AsyncAfterCommit(later))
        return await super().async_client()

    def _later(self, on_commit: OnCommit) -> AfterCommit | None:
        transactions = open_transactions(on_commit)
        if not transactions:
            return None
        sizes = PayloadSizes(self.max_payload_size)
        return AfterCommit(Commit(transactions, super().client, self.errors, self.clock, sizes))


class OtherClients:
    """The clients of an App, with another answer to which transactions an enqueue waits for."""

    def __init__(self, clients: TransactionalClients, on_commit: OnCommit) -> None:
        self._clients = clients
        self._on_commit = on_commit

    def client(self) -> "Client":
        """Return the client of this process."""
        return self._clients.client_for(self._on_commit)

    def opened_async_client(self) -> "AsyncClient | None":
        """Return the client of the running loop; None if it has none yet."""
        return self._clients.opened_async_client_for(self._on_commit)

    async def async_client(self) -> "AsyncClient":
        """Return the client of the running loop."""
        return await self._clients.async_client_for(self._on_commit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._clients, name)


def waiting_for(clients: Clients, on_commit: OnCommit) -> Clients:
    """Return *clients* with another answer; themselves if they know nothing of transactions."""
    if isinstance(clients, OtherClients):
        clients = clients._clients  # noqa: SLF001 - of this file
    if not isinstance(clients, TransactionalClients):
        return clients
    return cast("Clients", OtherClients(clients, on_commit))
