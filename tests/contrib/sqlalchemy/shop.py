"""What the tests of transactions sell: tables, an App, and what its handlers were given."""

from sqlalchemy import Engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from pyasynq import App
from pyasynq.contrib.sqlalchemy import Outbox


class Base(DeclarativeBase): ...


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    item: Mapped[str]


app = App("redis://nowhere.invalid", enqueue_patience=0)
other_app = App("redis://nowhere.invalid", enqueue_patience=0)


@app.task
def ship(item: str, *, box: str = "small") -> None: ...


@other_app.task
def bill(item: str) -> None: ...


def items(engine: Engine) -> list[str]:
    """The items that were ordered, as another connection sees it."""
    with Session(engine) as session:
        return list(session.scalars(select(Order.item).order_by(Order.id)))


outbox = Outbox(app, Base.metadata)


def waiting(engine: Engine) -> int:
    """How many rows are in the outbox."""
    with engine.connect() as connection:
        return len(connection.execute(select(outbox.table.c.id)).all())


def fill(engine: Engine, *items: str) -> None:
    """Order *items*, each with a task in the outbox."""
    with Session(engine) as session, session.begin():
        for item in items:
            session.add(Order(item=item))
            outbox.enqueue(session, ship, item)
