"""Pages load little: their own style sheets and scripts, which are small."""

import gzip

from pyasynq.web.pages.static import contents

MOST_BYTES = 60_000
MOST_LINES = 800


def test_all_style_sheets_scripts_and_pictures_together_are_small():
    sizes = {name: len(gzip.compress(data)) for name, data in contents().items()}

    print(f"{sum(sizes.values()):,} bytes gzipped: {sizes}")
    assert sum(sizes.values()) <= MOST_BYTES


def test_the_scripts_are_short():
    lines = {name: data.count(b"\n") for name, data in contents().items() if name.endswith(".js")}

    print(f"{sum(lines.values())} lines: {lines}")
    assert sum(lines.values()) <= MOST_LINES
