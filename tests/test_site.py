"""The documentation site as readers get it: every link leads somewhere, pages are short, the search finds them."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from detbench import errors
from detbench.cli.train_deblurrer import TRAINED
from detbench.metrics.specs import METRICS
from detbench.training.recipe import settings

CHECKOUT = Path(__file__).parents[1]
PAGES = CHECKOUT / "detbench" / "docs" / "pages"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
LONGEST_SENTENCE, MOST_BYTES, MOST_PICTURE_BYTES = 40, 1_000_000, 100_000
MOST_WORDS = {"tutorial.md": 900, "index.md": 700, "how-to/install.md": 700, "troubleshooting.md": 1300}
"""Words that a page may have, commands and output included."""

MOST_WORDS_OF_A_HOW_TO = 1000
MEAN_SENTENCE = 18


@dataclass
class Links(HTMLParser):
    """The targets and the places of a page."""

    targets: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what an element is called and where it leads."""
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.targets.append(value)
            elif name == "id" and value:
                self.places.add(value)


def read(file: Path) -> Links:
    """A page's links."""
    links = Links()
    links.feed(file.read_text(encoding="utf-8"))
    return links


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `nox -s docs` builds it, into a folder of its own."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        [*build, "--config-file", "detbench/docs/mkdocs.yml"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def broken(page: Path, links: Links, known: dict[Path, Links]) -> Iterator[str]:
    """The targets of a page that lead nowhere: no file, no such place in it, or no proper address."""
    for target in links.targets:
        parts = urlsplit(target)
        if parts.scheme in ("http", "https"):
            if "." not in parts.netloc or " " in target:
                yield target
        elif parts.scheme not in ("data", "mailto", "javascript"):
            file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            is_there = file.is_file() or (file.is_dir() and (file / "index.html").is_file())
            place = unquote(parts.fragment)
            if not is_there or (place and file in known and place not in known[file].places):
                yield target


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    """Each relative link names a file of the site, and each fragment a place in it."""
    known = {file.resolve(): read(file) for file in sorted(site.rglob("*.html")) if file.name not in NOT_PAGES}
    assert len(known) > 35
    found = {file.name: lost for file, links in known.items() if (lost := list(broken(file, links, known)))}
    assert found == {}


NOT_PAGES = ("404.html", "sample.html")
"""404.html has links from the root of a server, and the sample report is no page of the site."""


def test_every_page_has_a_title_of_its_own(site: Path) -> None:
    """No two pages are called the same in a browser's tabs, and none repeats the site's name."""
    texts = [file.read_text(encoding="utf-8") for file in site.rglob("*.html") if file.name not in NOT_PAGES]
    titles = [found for text in texts for found in re.findall(r"<title>(.*?)</title>", text)]
    assert len(titles) == len(texts)
    assert Counter(titles).most_common(1)[0][1] == 1
    assert [title for title in titles if title.count("detbench") > 1] == []


def test_a_lost_link_is_found(tmp_path: Path) -> None:
    """The check can fail: no file, no such place, and an address without a host are each found."""
    page = tmp_path / "page.html"
    page.write_text('<a href="no.html">a</a><a href="#b">b</a><a href="https:/c">c</a><a href="#d" id="d">d</a>')
    links = read(page)
    assert list(broken(page, links, {page: links})) == ["no.html", "#b", "https:/c"]


def test_readme_leads_to_places_that_the_site_has(site: Path) -> None:
    """A link of README to a page names a page of the site, and its fragment a place there."""
    text = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    targets = re.findall(r"\]\(detbench/docs/pages/([^)\s#]+)\.md(?:#([^)\s]+))?\)", text)
    assert len(targets) >= 10
    for page, place in targets:
        links = read(site / f"{page}.html")
        assert not place or place in links.places, f"{page}#{place}"


def test_the_reference_is_whole(site: Path) -> None:
    """No help text is cut off, and every metric, setting and error has its line."""
    texts = {name: (site / "reference" / f"{name}.html").read_text(encoding="utf-8") for name in REFERENCES}
    assert "..." not in re.sub(r"<script.*?</script>", "", texts["commands"], flags=re.S)
    assert texts["commands"].count("Repeat it to mix several.") == 1
    assert all(f"<code>{name}</code>" in texts["commands"] for name in TRAINED)
    assert "--repair &lt;clip|drop&gt;" in texts["commands"]
    assert all(f"<code>{key}</code>" in texts["metrics"] for key in METRICS)
    assert all(f"<code>{key}</code>" in texts["training-settings"] for key in settings())
    kinds = [name for name, kind in vars(errors).items() if isinstance(kind, type) and name.endswith("Error")]
    assert all(f"<code>{name}</code>" in texts["errors"] for name in kinds)


REFERENCES = ("commands", "metrics", "training-settings", "errors")


def test_every_metric_says_where_it_is_undefined() -> None:
    """The table of metrics has no empty cell."""
    assert [key for key, spec in METRICS.items() if not spec.undefined] == []


def test_pictures_are_small() -> None:
    """Each is a WebP below 100 kB, and all together are below 1 MB."""
    pictures = sorted((PAGES / "pictures").iterdir())
    assert {picture.suffix for picture in pictures} == {".webp"}
    sizes = [picture.stat().st_size for picture in pictures]
    assert max(sizes) < MOST_PICTURE_BYTES
    assert sum(sizes) < MOST_BYTES


@pytest.mark.parametrize("page", sorted(PAGES.rglob("*.md")), ids=lambda page: page.stem)
def test_pages_are_short(page: Path) -> None:
    """A page keeps its budget of words, and its sentences are short on average and none is endless."""
    text, name = page.read_text(encoding="utf-8"), page.relative_to(PAGES).as_posix()
    most = MOST_WORDS.get(name, MOST_WORDS_OF_A_HOW_TO if name.startswith("how-to/") else None)
    assert most is None or len(text.split()) <= most
    lengths = [len(sentence.split()) for sentence in sentences(text)]
    assert not lengths or max(lengths) <= LONGEST_SENTENCE
    assert not lengths or sum(lengths) / len(lengths) <= MEAN_SENTENCE


NO_PROSE = re.compile(r"^(?:\||#|<!--|:::|    |--8<--|!\[).*$", re.M)
"""Lines of a page that are no sentences: tables, headings, marks, what is set in, snippets and pictures."""


def sentences(text: str) -> list[str]:
    """The sentences of a page's prose, without code, tables, headings and marks."""
    prose = NO_PROSE.sub("", re.sub(r"(?ms)^```.*?^```$", "", text))
    blocks = re.split(r"\n\n|\n(?=- |\d+\. )", prose)
    return [part for block in blocks for part in re.split(r"(?<=[.:;?!])\s+", " ".join(block.split())) if part]


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
def test_search_works_in_a_folder(site: Path) -> None:
    """Opened with file://, without a server, the site finds a word and meets no error; its themes are three."""
    from playwright.sync_api import sync_playwright

    faults: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("requestfailed", lambda request: faults.append(request.url))
        page.goto((site / "tutorial.html").as_uri())
        page.fill("input[name=query]", "trajectory")
        page.wait_for_selector(".md-search-result__item")
        found = page.locator(".md-search-result__item h1, .md-search-result__item h2").all_inner_texts()
        themes = page.locator("input[name=__palette]").count()
        browser.close()
    assert any("blurred" in title or "rajectory" in title for title in found), found
    assert faults == []
    assert themes == 3
