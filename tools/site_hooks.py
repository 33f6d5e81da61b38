"""What MkDocs calls while it builds the site: pages from outside of docs/, and links to them."""

import re

import site_links
import site_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

_LIST_OF_DECISIONS = "<!-- the list of decisions -->"
_SHORT = re.compile(r"<code>(?=[^<\n]{1,28}</code>)")
_sources: dict[str, str] = {}
_url: list[str | None] = []


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the decisions to the navigation, and the address of the repository if there is one."""
    config.nav = site_pages.with_decisions(config.nav or [])
    _url[:] = [site_pages.repository_url()]
    if _url[0]:
        config.repo_url = _url[0]
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages of the repository that are outside of docs/, and the examples."""
    for source, page in site_pages.REPOSITORY_PAGES.items():
        if page == "index.md":
            continue  # the README of the repository; the site begins with docs/index.md
        _sources[page] = source
        path = str(site_pages.ROOT / source)
        files.append(File.generated(config, page, abs_src_path=path))
    for page, text in site_pages.example_pages().items():
        is_listed = page == "examples/index.md"
        level = InclusionLevel.INCLUDED if is_listed else InclusionLevel.NOT_IN_NAV
        files.append(File.generated(config, page, content=text, inclusion=level))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return the page with links that hold in the site."""
    del config, files
    name = page.file.src_uri
    if name == "decisions/index.md":
        listed = (
            f"* [{site_pages.title_of(each)}]({each.removeprefix('decisions/')})"
            for each in site_pages.decisions()
        )
        markdown = markdown.replace(_LIST_OF_DECISIONS, "\n".join(listed))
    if name.startswith("examples/"):
        return markdown
    source = _sources.get(name, f"docs/{name}")
    return site_links.rewritten(markdown, name, source, url=_url[0])


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Mark short code, such as ``--no-scheduler``, which no line shall break."""
    del page, config, files
    return _SHORT.sub('<code class="short">', html)
