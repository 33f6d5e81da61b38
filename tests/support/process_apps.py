"""An App whose task enqueues from a process of its own, where its code names a Redis far away."""

from pyasynq.app import App

AWAY = "redis://127.0.0.1:1/5?namespace=far"

shop = App(AWAY, enqueue_patience=0)


@shop.task
def greet(name: str) -> str:
    return name


@shop.task(executor="process", retention=60, max_retry=0)
def order() -> list[str]:
    handles = [greet.enqueue("one"), *greet.enqueue_many(["two"])]
    infos = shop.enqueue_many([greet.bind("three")])
    return [each.info().state for each in handles] + [each.info.state for each in infos]


@shop.task(executor="process", retention=60, max_retry=0)
async def order_on_a_loop() -> list[str]:
    handle = await greet.aenqueue("one")
    return [(await handle.ainfo()).state]


@shop.task(executor="process", retention=60, max_retry=0)
def name_the_redis() -> str:
    return str(shop.source)
