"""Run again, alone, the few tests that failed in the last run of `make test`.

Tests run beside each other on machines that others use, too; a real peer, such as a cluster whose
nodes must find each other, may then be later than a test waits for it. Whoever fails alone as well
is at fault, and so are more than a few at once. What passed only alone is told.
"""

import json
import subprocess
import sys
from pathlib import Path

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 3


def main() -> int:
    """Return 0 if all of them pass, and were few."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        print(f"{len(failed)} tests failed; only 1 to {MOST} are run again")
        return 1
    alone = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:randomly", *failed]
    status = subprocess.run(alone, check=False).returncode  # noqa: S603 - tests of ours
    if status == 0:
        print("these failed beside others and passed alone:", *failed, sep="\n  ")
    return status


if __name__ == "__main__":
    sys.exit(main())
