"""The table of commands: a command is loaded when it is used, so that starting is quick.

Names and aliases are those of Go's `asynq`, so that its users need not learn others.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a noun that has verbs.

    Attributes:
        summary: what it does, in the list of commands.
        module: where it is, below ``pyasynq.cli``; empty for a noun.
        function: what it is called there.
        aliases: its other names.
        verbs: what can be done with a noun; empty for a command.
    """

    summary: str
    module: str = ""
    function: str = "command"
    aliases: tuple[str, ...] = ()
    verbs: Mapping[str, "Command"] = field(default_factory=dict)


CRON = {
    "clear-history": Command(
        "Delete what is known of the tasks that entries have enqueued.",
        "cron.control",
        "clear_history",
    ),
    "explain": Command("Say in plain English when a spec is due.", "cron.times", "explain"),
    "history": Command("Show what entries have enqueued.", "cron.looks", "history"),
    "list": Command(
        "Show the entries of schedulers that are alive.", "cron.looks", "entries", ("ls",)
    ),
    "next": Command("Show when an entry is due next.", "cron.times", "following"),
    "pause": Command("Let the ticks of entries pass without a task.", "cron.control", "pause"),
    "resume": Command("End the pause of entries.", "cron.control", "resume", ("unpause",)),
    "run": Command("Enqueue the tasks of entries now.", "cron.control", "run"),
}
GROUP = {
    "list": Command("Show the groups of a queue.", "group", "list_groups", ("ls",)),
}
QUEUE = {
    "history": Command("Show what queues did on each of the last days.", "queue.looks", "history"),
    "inspect": Command("Show what is in queues.", "queue.looks", "inspect"),
    "list": Command("Show the names of all queues.", "queue.looks", "list_queues", ("ls",)),
    "pause": Command("Let workers take no more tasks from queues.", "queue.control", "pause"),
    "remove": Command("Delete queues.", "queue.control", "remove", ("rm", "delete")),
    "resume": Command("End the pause of queues.", "queue.control", "resume", ("unpause",)),
}
SERVER = {
    "list": Command("Show the servers that are alive.", "server", "list_servers", ("ls",)),
}
TASK = {
    "archive": Command("Archive tasks.", "task.single", "archive"),
    "archiveall": Command(
        "Archive all tasks in a state.", "task.bulk", "archive_all", ("archive-all",)
    ),
    "cancel": Command("Cancel running tasks.", "task.single", "cancel"),
    "delete": Command("Delete tasks.", "task.single", "delete", ("rm", "remove")),
    "deleteall": Command(
        "Delete all tasks in a state.", "task.bulk", "delete_all", ("delete-all",)
    ),
    "enqueue": Command("Enqueue a task.", "task.enqueue", "enqueue"),
    "edit": Command("Change the payload of a task.", "task.edit", "edit"),
    "errors": Command("Group the tasks that failed by what went wrong.", "task.search", "errors"),
    "export": Command("Write tasks to a file.", "task.transfer", "export"),
    "import": Command("Store tasks that `task export` has written.", "task.transfer", "import_"),
    "explain": Command("Tell why tasks do not run.", "task.explain", "explain"),
    "inspect": Command("Show all that is known about tasks.", "task.looks", "inspect"),
    "list": Command("Show the tasks in a state.", "task.looks", "list_tasks", ("ls",)),
    "reschedule": Command("Change when tasks are due.", "task.edit", "reschedule"),
    "run": Command("Let tasks run now.", "task.single", "run"),
    "runall": Command("Let all tasks in a state run now.", "task.bulk", "run_all", ("run-all",)),
    "search": Command("Look for tasks in all queues.", "task.search"),
}

COMMANDS: Mapping[str, Command] = {
    "completion": Command("Print the completion script of a shell.", "completion"),
    "cron": Command("Look at periodic tasks, run and pause them.", verbs=CRON),
    "dash": Command("Look at queues and act on them in a terminal.", "dash"),
    "dev": Command("Run the tasks of an App while you work on it.", "dev"),
    "doctor": Command("Tell what is wrong with a Redis and with the tasks in it.", "doctor"),
    "group": Command("Look at groups of tasks.", verbs=GROUP),
    "health": Command("Tell whether Redis answers and servers are alive.", "health"),
    "metrics": Command("Show Prometheus what is in the queues.", "metrics"),
    "queue": Command("Look at queues, pause and delete them.", verbs=QUEUE),
    "scheduler": Command("Enqueue the periodic tasks of an App.", "scheduler"),
    "server": Command("Look at servers.", verbs=SERVER),
    "stats": Command("Show what is in the queues.", "stats"),
    "task": Command("Enqueue, look at, run, archive and delete tasks.", verbs=TASK),
    "web": Command("Serve the web UI and its REST API.", "web"),
    "worker": Command("Run the tasks of an App.", "worker"),
}

OTHER_COMMANDS: Mapping[str, str] = {
    "admin": "web",
    "beat": "scheduler",
    "cluster": "stats",
    "dashboard": "web",
    "events": "dash",
    "flower": "web",
    "info": "stats",
    "inspect": "stats",
    "job": "task",
    "jobs": "task",
    "monitor": "dash",
    "ping": "health",
    "queue clear": "remove",
    "queue empty": "remove",
    "queue purge": "remove",
    "queue stats": "inspect",
    "run": "worker",
    "schedule": "cron",
    "serve": "worker",
    "server stats": "list",
    "start": "worker",
    "status": "stats",
    "task failed": "errors",
    "task find": "search",
    "task info": "inspect",
    "task requeue": "run",
    "task retry": "run",
    "task revoke": "cancel",
    "task show": "inspect",
    "top": "dash",
    "ui": "web",
}
"""Commands as other tools call them, and as we do."""
