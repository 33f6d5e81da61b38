"""Examples of commands, which stand at the end of their help; the App of all is `app` in app.py."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "completion": ('eval "$(pyasynq completion bash)"',),
    "cron clear-history": ("pyasynq cron clear-history shop:sweep",),
    "cron explain": ("pyasynq cron explain '*/5 * * * *'",),
    "cron history": ("pyasynq cron history shop:sweep",),
    "cron list": ("pyasynq cron ls",),
    "cron next": ("pyasynq cron next shop:sweep",),
    "cron pause": ("pyasynq cron pause shop:sweep",),
    "cron resume": ("pyasynq cron resume shop:sweep",),
    "cron run": ("pyasynq cron run shop:sweep",),
    "dash": (
        "pyasynq dash",
        "pyasynq dash --redis-url redis://localhost:6379/1",
    ),
    "dev": (
        "pyasynq dev app:app",
        "pyasynq dev shop.tasks:app --app-dir src --http 127.0.0.1:9000",
    ),
    "doctor": ("pyasynq doctor",),
    "group list": ("pyasynq group ls -q default",),
    "health": ("pyasynq health",),
    "metrics": ("pyasynq metrics",),
    "queue history": ("pyasynq queue history default",),
    "queue inspect": ("pyasynq queue inspect default",),
    "queue list": ("pyasynq queue ls",),
    "queue pause": ("pyasynq queue pause low --reason 'mail server is down'",),
    "queue remove": ("pyasynq queue rm old",),
    "queue resume": ("pyasynq queue resume low",),
    "scheduler": ("pyasynq scheduler app:app",),
    "server list": ("pyasynq server ls",),
    "stats": (
        "pyasynq stats",
        "pyasynq stats --watch",
        "pyasynq stats -o json",
    ),
    "task archive": ("pyasynq task archive -q default 5f0c2a1b",),
    "task archiveall": ("pyasynq task archiveall -q default -s retry",),
    "task cancel": ("pyasynq task cancel 5f0c2a1b",),
    "task delete": (
        "pyasynq task rm -q default 5f0c2a1b",
        "pyasynq task rm -q default -s archived --older-than 7d --dry-run",
    ),
    "task deleteall": ("pyasynq task deleteall -q default -s archived",),
    "task edit": ("pyasynq task edit -q default 5f0c2a1b -l '{\"width\": 320}'",),
    "task enqueue": (
        "pyasynq task enqueue -t resize -l '{\"width\": 640}'",
        "pyasynq task enqueue --app app:app -t resize -l '{\"width\": 640}'",
    ),
    "task errors": (
        "pyasynq task errors",
        "pyasynq task errors queue:critical",
    ),
    "task explain": ("pyasynq task explain -q default 5f0c2a1b",),
    "task export": ("pyasynq task export -q default -s archived archived.jsonl",),
    "task import": ("pyasynq task import archived.jsonl",),
    "task inspect": ("pyasynq task inspect -q default 5f0c2a1b",),
    "task list": (
        "pyasynq task ls -q default -s archived",
        "pyasynq task ls -q default -s pending --watch",
    ),
    "task reschedule": ("pyasynq task reschedule -q default 5f0c2a1b --in 1h",),
    "task run": (
        "pyasynq task run -q default 5f0c2a1b",
        "pyasynq task run -q default -s archived --type 'email:*' --dry-run",
    ),
    "task runall": ("pyasynq task runall -q default -s archived",),
    "task search": ("pyasynq task search 'state:archived error~timeout'",),
    "web": (
        "pyasynq web",
        "pyasynq web --port 9000 --read-only",
    ),
    "worker": (
        "pyasynq worker app:app",
        "pyasynq worker app:app -c 50 -q critical=6,default=3 --processes 4",
        "pyasynq worker app:app --redis-url redis://redis.internal:6379/0",
    ),
}
"""By the name of the command, in full."""
