"""What the handlers of process_handlers.py note in a file."""

from pathlib import Path


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def release(ledger: Path) -> None:
    """Let the handlers go on that meet."""
    Path(f"{ledger}.go").touch()


def started_pid(path: Path) -> int:
    return int(lines(path)[0].split()[1])


def is_alive(pid: int) -> bool:
    """Whether the process runs; a zombie does not."""
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
