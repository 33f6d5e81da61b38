"""Where links lead in the documentation site.

Links hold on the repository's pages. In the site, a link to what the site shows leads to that page;
a link to any other file leads to the repository, if pyproject.toml names its address, and otherwise
becomes the path as code.
"""

import posixpath
import re

from site_pages import ROOT, page_of

_OTHER_SCHEMES = re.compile(r"[a-z][a-z0-9+.-]*:|#|//", re.IGNORECASE)
_FENCE = re.compile(r"^ *(```+|~~~+)")
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)")
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]`]|`[^`]*`)*)\]\(([^()\s]+)\)")
_PICTURE = re.compile(
    r"<picture>\s*<source [^>]*srcset=\"([^\"]+)\">"
    r"\s*<img ([^>]*)src=\"([^\"]+)\"([^>]*)>\s*</picture>"
)


def rewritten(text: str, page: str, source: str, *, url: str | None) -> str:
    """Return the Markdown of a page as the site shows it.

    Args:
        text: the Markdown.
        page: the name of the page in the site, such as "guides/web.md".
        source: its path in the repository, to which its links are relative.
        url: the address of the repository, or None.
    """
    lines, fence = [], ""
    for line in text.splitlines():
        match = _FENCE.match(line)
        if match and not fence:
            fence = match[1]
        elif match and match[1].startswith(fence):
            fence = ""
        lines.append(line if match or fence else _line(line, page, source, url))
    return _PICTURE.sub(_two_pictures, "\n".join(lines) + "\n")


def _line(line: str, page: str, source: str, url: str | None) -> str:
    if line.startswith("|"):
        line = _CODE.sub(lambda code: code[0].replace("\\|", "|"), line)

    def follow(link: re.Match[str]) -> str:
        return _link(link[1], link[2], page, source, url)

    spans = [(code.start(), code.end()) for code in _CODE.finditer(line)]
    return _LINK.sub(
        lambda link: (
            link[0] if any(low < link.start() < high for low, high in spans) else follow(link)
        ),
        line,
    )


def _link(text: str, target: str, page: str, source: str, url: str | None) -> str:
    if _OTHER_SCHEMES.match(target):
        return f"[{text}]({target})"
    path, sign, anchor = target.partition("#")
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if site_page := page_of(path):
        name, _, place = site_page.partition("#")
        there = posixpath.relpath(name, posixpath.dirname(page) or ".")
        end = f"{sign}{anchor}" if sign else f"#{place}" if place else ""
        return f"[{text}]({there}{end})"
    if path.startswith("docs/") and not path.endswith(".md") and (ROOT / path).is_file():
        return f"[{text}]({posixpath.relpath(path, posixpath.dirname(source))})"
    if url is not None:
        kind = "tree" if (ROOT / path).is_dir() else "blob"
        return f"[{text}]({url}/{kind}/main/{path}{sign}{anchor})"
    words = text.strip("`")
    return f"`{path}`" if path.endswith(words.strip("/")) else f"{text} (`{path}`)"


def _two_pictures(found: re.Match[str]) -> str:
    """Return an image for each scheme, since the site has a switch between them."""
    dark, before, light, after = found.groups()
    return "".join(
        f'<img {before}src="{path}#only-{kind}"{after}>'
        for path, kind in ((light, "light"), (dark, "dark"))
    )
