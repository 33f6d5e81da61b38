"""The guide about tests: its code does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "testing.md"
SETTINGS = """
[pytest]
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""
IMPORTS = """
from datetime import timedelta
import pytest
from pyasynq import DuplicateTaskError
from pyasynq.testing import task_context
"""


def test_every_snippet_is_a_test_that_passes(tmp_path):
    shop, *tests = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "shop.py").write_text(shop)
    (tmp_path / "test_shop.py").write_text(IMPORTS + "\n\n".join(tests))
    (tmp_path / "pytest.ini").write_text(SETTINGS)

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert ran.returncode == 0, ran.stdout
    assert f"{len(tests)} passed" in ran.stdout
