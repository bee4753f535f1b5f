"""docs/, built as `make docs` does: without a warning, with every page and every link in its place."""

import shutil
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def build(docs: Path, into: Path) -> subprocess.CompletedProcess[str]:
    """Build a folder of pages; its exit status is not 0 where there is any warning."""
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--nitpicky", "--keep-going", "--quiet"]
    return subprocess.run([*command, docs, into], capture_output=True, text=True, check=False)


class Page(HTMLParser):
    """A built page: the links in it, the anchors that it has, and what a browser would load with it."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors = {""}
        self.loaded: list[str] = []
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in ("link", "script", "img"):
            self.loaded += [given[name] for name in ("href", "src") if name in given]


def read(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html")}


def target(file: Path, link: str) -> tuple[Path, str]:
    """The file and the anchor that a link within the site leads to."""
    path, anchor = urldefrag(link)
    return (file.parent / unquote(path)).resolve() if path else file, unquote(anchor)


def lost(pages: dict[Path, Page]) -> list[str]:
    """The links that lead to no page, or to no place on it."""
    found = []
    for file, page in pages.items():
        for link in page.links:
            if not link.startswith(("https:", "http:", "mailto:")):
                there, anchor = target(file, link)
                if there not in pages or anchor not in pages[there].anchors:
                    found.append(f"{file.name}: {link}")
    return found


def reached(pages: dict[Path, Page], start: Path) -> set[Path]:
    """The pages that a reader comes to from one of them, link by link."""
    found, todo = {start}, [start]
    while todo:
        file = todo.pop()
        there = {target(file, link)[0] for link in pages[file].links} & pages.keys()
        todo += there - found
        found |= there
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    into = tmp_path_factory.mktemp("docs") / "html"
    built = build(DOCS, into)
    assert built.returncode == 0, built.stderr
    return into


def test_every_page_is_built_and_reached_from_the_first(site: Path) -> None:
    pages = read(site)
    sources = {file.relative_to(DOCS).with_suffix(".html") for file in DOCS.rglob("*.md")}
    built = {file.relative_to(site) for file in reached(pages, site / "index.html")}
    assert sources <= built


def test_every_link_leads_to_its_page_and_place(site: Path) -> None:
    pages = read(site)
    assert sum(len(page.links) for page in pages.values()) > 100
    assert lost(pages) == []


def test_a_page_loads_nothing_from_elsewhere(site: Path) -> None:
    loaded = {one for page in read(site).values() for one in page.loaded}
    assert any(".css" in one for one in loaded)
    assert [one for one in loaded if "//" in one] == []
    assert not any("url(http" in style.read_text() for style in site.rglob("*.css"))


def test_the_help_of_a_command_is_on_its_page(site: Path) -> None:
    text = unescape((site / "reference/command-line.html").read_text())
    assert "Usage: deployer send ping [OPTIONS]" in text
    assert "--approve-prune REVISION  Let this commit prune any number of objects." in text
    assert "-h, --help" in text


FAULTS = {
    "page": ("[there](third.md)", "third.md"),
    "place": ("[there](index.md#nowhere)", "nowhere"),
    "own-place": ("[there](#nowhere)", "nowhere"),
    "command": ("```{help} synk\n```", "no command 'synk'"),
    "directive": ("```{tip\n```", "tip"),
    "depth": ("### Too deep", "H1 to H3"),
    "language": ("```json\n{half\n```", "json"),
}
"""What may be wrong on a page, and what the warning says."""


def test_a_fault_on_a_page_fails_the_build(tmp_path: Path) -> None:
    shutil.copy(DOCS / "conf.py", tmp_path)
    shutil.copytree(DOCS / "_static", tmp_path / "_static")
    (tmp_path / "index.md").write_text("\n".join(["# First", "```{toctree}", "well", *FAULTS, "```"]))
    (tmp_path / "well.md").write_text("# Well\n\n[there](index.md#first)\n\n```{help} send ping\n```\n")
    for name, (fault, _) in FAULTS.items():
        (tmp_path / f"{name}.md").write_text(f"# Page\n\n{fault}\n")
    (tmp_path / "alone.md").write_text("# No other page leads here\n")
    built = build(tmp_path, tmp_path / "html")
    assert built.returncode != 0
    for name, (_, warning) in {**FAULTS, "alone": ("", "toctree")}.items():
        assert any(f"/{name}.md" in line and warning in line for line in built.stderr.splitlines()), name
    assert "well.md" not in built.stderr
    assert "index.md" not in built.stderr


def test_lost_links_and_pages_are_found(tmp_path: Path) -> None:
    first, second, third = (tmp_path / f"{name}.html" for name in ("first", "second", "third"))
    first.write_text('<h1 id="a">A</h1><a href="second.html#b">b</a><a href="#a">a</a><a href="https://x.org">x</a>')
    second.write_text('<h1 id="b">B</h1><a href="first.html#c">c</a><a href="fourth.html">d</a>')
    third.write_text('<a href="first.html">a</a>')
    assert sorted(lost(read(tmp_path))) == ["second.html: first.html#c", "second.html: fourth.html"]
    assert reached(read(tmp_path), first) == {first, second}
