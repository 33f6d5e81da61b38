"""Licences of what a release is made of: which are allowed, and which packages name none."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "tools"))

import sbom


def package(**said: str) -> dict:
    ((kind, text),) = said.items()
    licence = {"expression": text} if kind == "expression" else {"license": {kind: text}}
    return {"name": "some", "version": "1.0", "licenses": [licence]}


@pytest.mark.parametrize(
    "said",
    [
        {"id": "MIT"},
        {"name": "License :: OSI Approved :: Apache Software License"},
        {"name": "3-Clause BSD License"},
        {"expression": "MIT AND PSF-2.0"},
        {"expression": "GPL-2.0-only OR BSD-3-Clause"},
    ],
)
def test_what_everybody_may_use_is_allowed(said):
    assert sbom.faults([package(**said)]) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"id": "AGPL-3.0-only"}, "some 1.0: AGPL-3.0-only"),
        ({"expression": "MIT AND GPL-3.0-only"}, "some 1.0: MIT AND GPL-3.0-only"),
        ({"name": "Proprietary"}, "some 1.0: Proprietary"),
    ],
)
def test_what_not_everybody_may_use_is_named(said, told):
    assert sbom.faults([package(**said)]) == [told]


def test_a_package_without_a_licence_is_named():
    assert sbom.faults([{"name": "some", "version": "1.0"}]) == ["some 1.0: no licence"]


@pytest.mark.long
def test_what_a_release_is_made_of_is_described(tmp_path):
    from tools import package as packaging  # noqa: PLC0415 - only here

    assert packaging.main([str(tmp_path)]) == 0
    assert sbom.main([str(tmp_path)]) == 0

    assert "redis 8" in (tmp_path / "licences.txt").read_text()
