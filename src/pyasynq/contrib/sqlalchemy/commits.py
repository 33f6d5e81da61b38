"""What waits for the outermost commit of a session.

It is kept apart for each transaction and savepoint of the session: a savepoint that is released
hands it on to what is around it, and whatever ends without a commit drops it. Nothing is done
before the outermost transaction has ended: by then the session has given its database connection
back, so none is held while Redis is called.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any, cast

import msgspec
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_scoped_session
from sqlalchemy.orm import Session, SessionTransaction, scoped_session

from pyasynq.errors import ConfigError, ServerStateError

AnySession = Session | AsyncSession | scoped_session[Session] | async_scoped_session[AsyncSession]
OnCommit = Callable[[list[Any]], None]

KEY = "pyasynq.contrib.sqlalchemy"  # in `Session.info`


class _Waiting(msgspec.Struct):
    """What waits in one session.

    Attributes:
        items: by transaction, in order: what to call, and what to pass to it.
        committed: the transaction that was committed last, and has not ended yet.
    """

    items: dict[SessionTransaction, list[tuple[OnCommit, Any]]] = msgspec.field(
        default_factory=dict
    )
    committed: SessionTransaction | None = None


def plain_session(session: AnySession) -> Session:
    """Return the blocking session that *session* is, or stands for.

    Raises:
        ConfigError: it is no session.
    """
    found: object = session
    if isinstance(found, scoped_session | async_scoped_session):
        found = found()
    if isinstance(found, AsyncSession):
        found = found.sync_session
    if not isinstance(found, Session):
        raise ConfigError(f"this needs a session of SQLAlchemy, not {type(session).__name__}")
    return found


def at_commit(session: Session, call: OnCommit, item: object) -> None:
    """Pass *item* to *call* when the transaction of *session* is committed; never if it is not.

    One call gets all the items that wait for it, in order. A session without a transaction begins
    one, as it does for its first statement.

    Raises:
        ServerStateError: there is no transaction, and the session begins none by itself.
    """
    if not session.in_transaction():
        if not session.autobegin:
            raise ServerStateError(
                "the session has no transaction that could be committed; call it inside "
                "`with session.begin():`"
            )
        session.begin()
    waiting = session.info.setdefault(KEY, _Waiting())
    waiting.items.setdefault(_innermost(session), []).append((call, item))


def _innermost(session: Session) -> SessionTransaction:
    """Return the savepoint that the session is in, else its transaction."""
    found = session.get_nested_transaction() or session.get_transaction()
    return cast("SessionTransaction", found)  # there is one, as callers have seen to it


def _on_commit(session: Session) -> None:
    """Note which transaction was committed; the event is sent for savepoints, too."""
    # Although nothing waits yet: a listener that is called after this one may bring the first task.
    session.info.setdefault(KEY, _Waiting()).committed = _innermost(session)


def _on_end(session: Session, transaction: SessionTransaction) -> None:
    """Hand on, do or drop what waits for *transaction*."""
    waiting = session.info.get(KEY)
    if waiting is None:
        return
    is_committed = waiting.committed is transaction
    if is_committed:
        waiting.committed = None
    items = waiting.items.pop(transaction, None)
    if not items or not is_committed:
        return
    if transaction.nested:
        waiting.items.setdefault(_innermost(session), []).extend(items)
    else:
        _call(items)


def _call(items: Iterable[tuple[OnCommit, Any]]) -> None:
    by_call: dict[OnCommit, list[Any]] = {}
    for call, item in items:
        by_call.setdefault(call, []).append(item)
    with ExitStack() as stack:  # which calls the others although one raises
        for call, its_items in reversed(by_call.items()):
            stack.callback(call, its_items)


event.listen(Session, "after_commit", _on_commit)
event.listen(Session, "after_transaction_end", _on_end)
