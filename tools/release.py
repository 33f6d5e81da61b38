"""Writes the version of a release into the source, the changelog and the chart for Helm.

Usage: python tools/release.py VERSION [DATE]      (DATE is today in UTC if none is given)

The fragments of changes/ must have been moved into CHANGELOG.md before (tools/changelog.py), so
that a person has read what the release says of itself. docs/releasing.md lists all steps.
"""

import re
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# MAJOR.MINOR.PATCH, perhaps of a pre-release, in the form of PEP 440; docs/reference/versioning.md.
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)(?:(a|b|rc|\.dev)(\d+))?")
STAGES = (".dev", "a", "b", "rc", "")
LINE = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
OF_THE_CHART = re.compile(r"^appVersion: .*$", re.MULTILINE)
UNRELEASED = "## Unreleased\n"


def order_of(version: str) -> tuple[int, ...] | None:
    """Return what versions are sorted by; None if it is not a version of ours."""
    found = VERSION.fullmatch(version)
    if found is None:
        return None
    *numbers, stage, count = found.groups()
    return (*map(int, numbers), STAGES.index(stage or ""), int(count or 0))


def fault_of(root: Path, version: str) -> str | None:
    """Return why *version* cannot be released now, or None."""
    current = LINE.search((root / "src" / "pyasynq" / "version.py").read_text("utf-8"))
    new = order_of(version)
    if current is None or new is None:
        return f"{version!r} is not a version such as 1.2.0 or 1.2.0rc1"
    if new <= (order_of(current[1]) or ()):
        return f"{version} is not above {current[1]}, the version of src/pyasynq/version.py"
    left = [path for path in (root / "changes").iterdir() if path.name != "README.md"]
    if left:
        return (
            f"changes/ still holds {len(left)} fragments; run `make changelog`, and read the text"
        )
    if UNRELEASED not in (root / "CHANGELOG.md").read_text("utf-8"):
        return 'CHANGELOG.md has no section "## Unreleased"'
    return None


def write(root: Path, version: str, date: str) -> None:
    """Write the version, and name the section of the changelog after it.

    The chart says with which version it was checked; its own number is raised by who changes it.
    """
    source = root / "src" / "pyasynq" / "version.py"
    source.write_text(LINE.sub(f'__version__ = "{version}"', source.read_text("utf-8")), "utf-8")
    changelog = root / "CHANGELOG.md"
    text = changelog.read_text("utf-8")
    heading = f"{UNRELEASED}\n## {version} ({date})\n"
    changelog.write_text(text.replace(UNRELEASED, heading, 1), "utf-8")
    chart = root / "deploy" / "helm" / "pyasynq" / "Chart.yaml"
    named = OF_THE_CHART.sub(f"appVersion: {version}", chart.read_text("utf-8"))
    chart.write_text(named, "utf-8")


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Write a version unless it is wrong; return the exit code."""
    if not arguments:
        print("which version? `make release VERSION=1.2.0`")
        return 2
    version, *dates = arguments
    fault = fault_of(root, version)
    if fault is not None:
        print(fault)
        return 1
    write(root, version, dates[0] if dates else time.strftime("%Y-%m-%d", time.gmtime()))
    print(f"version {version}; commit this, then `git tag -a v{version} -m {version}`")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
