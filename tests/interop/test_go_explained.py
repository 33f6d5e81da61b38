"""Why a task does not run beside servers in Go, which say nothing of what they handle."""

from pyasynq.worker.handlers.mux import ServeMux


async def test_what_a_go_server_handles_is_not_known(peer, work, inspector):
    await peer.serve("mail")
    scheduled = await work.enqueue("email", queue="mail", process_in=600)

    found = await inspector.tasks.explain("mail", scheduled.id)
    (server,) = await inspector.servers.list()

    assert [(each.severity, each.code) for each in found] == [
        ("info", "not_due"),
        ("info", "types_not_known"),
    ]
    assert server.task_types is None


async def test_go_does_not_notice_what_a_python_server_publishes(peer, work):
    async with work.serving(ServeMux(), queues={"mail": 1}):
        await work.enqueue("email", queue="mail", process_in=600)
        published = work.redis.keys("asynq:x:handled:*")
        servers = [each for each in await peer.run("inspect", "mail") if "server" in each]

    assert (len(published), len(servers)) == (1, 1)
