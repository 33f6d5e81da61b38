"""Moves the fragments of changes/ into the section "Unreleased" of CHANGELOG.md.

Usage: python tools/changelog.py [--check]      (--check only names the fragments that are wrong)

changes/README.md describes the fragments.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("added", "changed", "removed", "fixed")
NAME = re.compile(rf"[a-z0-9]+(-[a-z0-9]+)*\.({'|'.join(KINDS)})\.md")
SECTION = re.compile(r"## Unreleased\n.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)


def fragments(root: Path) -> list[Path]:
    """Return everything in the folder of fragments but its description."""
    return sorted(path for path in (root / "changes").iterdir() if path.name != "README.md")


def fault_of(path: Path) -> str | None:
    """Return what is wrong with a fragment, or None."""
    if not NAME.fullmatch(path.name):
        return f"the name must be NAME.KIND.md, and KIND one of {', '.join(KINDS)}"
    text = path.read_text("utf-8").strip()
    if not text or "\n" in text:
        return "it must hold one line"
    if text.startswith(("*", "-", "#")):
        return "it must be a sentence, without a bullet or a heading"
    if not text.endswith("."):
        return "it must end with a full stop"
    return None


def joined(changelog: str, added: dict[str, list[str]]) -> str:
    """Return *changelog* with the lines of each kind at the end of its list of unreleased changes.

    Raises:
        ValueError: the changelog has no section "Unreleased".
    """
    found = SECTION.search(changelog)
    if found is None:
        raise ValueError('CHANGELOG.md has no section "## Unreleased"')
    story, *lists = re.split(r"^### (\w+)\n", found[0], flags=re.MULTILINE)
    texts = dict(zip(lists[::2], (text.strip() for text in lists[1::2]), strict=True))
    for kind in KINDS:
        lines = "\n".join(f"* {line}" for line in added.get(kind, []))
        texts[kind.title()] = "\n".join(filter(None, [texts.get(kind.title(), ""), lines]))
    order = [*(kind.title() for kind in KINDS), *texts]
    section = "\n\n".join(
        [story.strip()]
        + [f"### {name}\n\n{texts[name]}" for name in dict.fromkeys(order) if texts[name]]
    )
    rest = changelog[found.end() :]
    return changelog[: found.start()] + section + "\n" + ("\n" + rest if rest else "")


def check(root: Path) -> int:
    """Print the fragments that are wrong; return the exit code."""
    faults = {path: fault_of(path) for path in fragments(root)}
    wrong = {path: fault for path, fault in faults.items() if fault is not None}
    for path, fault in wrong.items():
        print(f"{path.relative_to(root)}: {fault}")
    return 1 if wrong else 0


def move(root: Path) -> None:
    """Write the fragments into the changelog, and delete them."""
    added: dict[str, list[str]] = {}
    for path in fragments(root):
        kind = path.name.split(".")[1]
        added.setdefault(kind, []).append(path.read_text("utf-8").strip())
    changelog = root / "CHANGELOG.md"
    changelog.write_text(joined(changelog.read_text("utf-8"), added), "utf-8")
    for path in fragments(root):
        path.unlink()


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Check the fragments, and without --check move them."""
    code = check(root)
    if code == 0 and "--check" not in arguments:
        move(root)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
