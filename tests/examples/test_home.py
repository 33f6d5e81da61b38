"""The home page of the documentation: its program runs."""

import importlib.util
import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "index.md"


def test_the_program_of_the_home_page_runs(tmp_path, capsys):
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path / "shop.py"
    path.write_text(code)
    spec = importlib.util.spec_from_file_location("shop", path)
    shop = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(shop)

    with shop.app.testing() as harness:
        handle = shop.send_welcome.enqueue(42, template="html")
        shop.resize.options(process_in=5).enqueue("cat.png", 640)
        harness.run_pending()
        harness.clock.advance(5)
        harness.run_pending()

        assert handle.result() == "welcome, user 42 (html)"
    assert "attempt 1: cat.png to 640 px" in capsys.readouterr().out


def test_who_begins_is_told_how_to_install_what_no_index_has():
    docs = PAGE.parent
    pages = [PAGE, docs / "tutorial" / "first-queue.md", docs / "reference" / "installation.md"]

    for page in pages:
        first = re.findall(r"^ +pip install (\S+)", page.read_text(), re.MULTILINE)[0]
        assert first.strip("'").startswith("../pyasynq"), page
        assert "not on a package index yet" in page.read_text()
