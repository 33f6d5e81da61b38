"""Writes what a release and its extras are made of into dist/, and checks the licences.

Usage: python tools/sbom.py [FOLDER] [--check]      (dist/ if none is given)

Installs the wheel in the folder with all extras that a service may run with into an environment of
its own, and describes that as CycloneDX: `pyasynq-VERSION.cdx.json`. `licences.txt` beside it lists
what each package is licensed under; a licence that is not allowed fails. With --check the files
that are there are checked once more, and nothing is installed.
"""

import json
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import try_extras
from try_extras import ROOT

# What may be installed beside a program of any licence, unchanged.
ALLOWED = {
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSD",
    "CNRI-Python",
    "ISC",
    "MIT",
    "MIT-0",
    "MIT-CMU",
    "MPL-2.0",
    "PSF-2.0",
    "Python-2.0",
    "Unlicense",
    "Zlib",
}
# What packages say in words instead of an identifier of SPDX.
WORDS = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
# Packages whose licence the description misses; a person has read it.
UNNAMED = {"protobuf": "BSD-3-Clause"}
Component = Mapping[str, Any]


def licences_of(component: Component) -> list[str]:
    """Return the licences that a package names, as SPDX does where that is known."""
    found = []
    for each in component.get("licenses", ()):
        licence = each.get("license", {})
        said = each.get("expression") or licence.get("id") or licence.get("name", "")
        word = re.sub(r"^(declared license of|License ::)", "", said).split(" :: ")[-1].strip()
        found.append(WORDS.get(word, word))
    named = {each for each in found if each and not each.startswith("declared")}
    if not named and component["name"] in UNNAMED:
        named = {UNNAMED[component["name"]]}
    return sorted(named)


def is_allowed(licence: str) -> bool:
    """Return whether an identifier, or an expression of SPDX, lets everybody use it."""
    ways = licence.replace("(", " ").replace(")", " ").split(" OR ")
    return any({part.strip() for part in way.split(" AND ")} <= ALLOWED for way in ways)


def faults(components: Sequence[Component]) -> list[str]:
    """Return which packages name no licence that is allowed; one of several is enough."""
    return [
        f"{each['name']} {each.get('version', '')}: {', '.join(licences_of(each)) or 'no licence'}"
        for each in components
        if not any(is_allowed(licence) for licence in licences_of(each))
    ]


def write(wheel: Path) -> Path:
    """Install the wheel with its extras, and describe what is there then."""
    target = wheel.parent / f"{'-'.join(wheel.name.split('-')[:2])}.cdx.json"
    extras = ",".join(each for each in try_extras.extras() if each not in {"none", "testing"})
    with tempfile.TemporaryDirectory() as folder:
        venv.create(Path(folder) / "venv", symlinks=True)
        python = str(Path(folder) / "venv" / "bin" / "python")
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", "--python", python]
        pinned = str(ROOT / "requirements" / "constraints.txt")
        wanted = try_extras.with_extra(str(wheel), extras)
        describe = [str(Path(sys.executable).parent / "cyclonedx-py"), "environment", python]
        describe += ["--output-reproducible", "--validate", "--spec-version", "1.6"]
        describe += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-file", str(target)]
        for command in ([*pip, "install", "-c", pinned, wanted], describe):
            subprocess.run(command, check=True)  # noqa: S603 - ours
    return target


def main(arguments: Sequence[str]) -> int:
    """Write and check; return the exit code."""
    named = [each for each in arguments if not each.startswith("--")]
    folder = Path(named[0]) if named else ROOT / "dist"
    if "--check" not in arguments:
        found = sorted(folder.glob("*.whl"))
        if not found:
            print(f"there is no wheel in {folder}; run `make package`")
            return 1
        write(found[-1].resolve())
    (file,) = folder.glob("*.cdx.json")
    components = json.loads(file.read_text("utf-8"))["components"]
    lines = [f"{e['name']} {e.get('version')}: {', '.join(licences_of(e))}\n" for e in components]
    (folder / "licences.txt").write_text("".join(sorted(lines)), "utf-8")
    wrong = faults(components)
    for fault in wrong:
        print(f"not allowed: {fault}")
    print(f"{file.name}: {len(components)} packages, {len(wrong)} with a licence not allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
