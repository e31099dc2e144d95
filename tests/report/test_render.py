import random
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from detbench.errors import DataError, UsageError
from detbench.report.render import render_comparison, render_report

Write = Callable[..., Path]
MAPS = {"sharp": 0.423, "blurred": 0.262, "wiener": 0.377}
SCRIPT, QUOTES, PIPES = (
    "<script>alert(1)<script>",
    "\"'><img src=x onerror=alert(1)>",
    "a|b\n|`c`|*d* ünï 模糊 {{ 7*7 }}",
)
PIECES = (
    *"<>&\"'/\\|`\t🙂", "</script>", "<!--", "-->", "]]>", "{{ 7*7 }}", "{% raw %}", "$x_{1}$", "javascript:alert(1)",
    "onload=", "&#60;", "\u202e", "\u2028", "ünï", "模糊", "%s",
)  # fmt: skip
VOID = {"meta", "img", "input", "br", "wbr"}


class Page(HTMLParser):
    """A page's tags, attributes and texts; every element that is opened must be closed in its turn."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every element of a kind."""
        return [attributes for name, attributes in self.tags if name == tag]


def hostile(write: Write) -> Path:
    """A run whose every name is an attack."""
    return write(
        QUOTES.replace("/", ""),
        maps={"sharp": 0.4, "blurred": 0.2, SCRIPT: 0.3, PIPES: 0.1},
        class_names=(SCRIPT, QUOTES),
        file_names=(QUOTES, PIPES),
        dataset=SCRIPT + PIPES,
        unmatched=(SCRIPT, PIPES),
    )


def test_a_report_is_a_page_and_a_summary(write: Write) -> None:
    """Both files lie in the folder; the page is returned and opens with the verdict."""
    folder = write(maps=MAPS)
    page = render_report(folder)
    assert page == folder / "report.html"
    words = "".join(Page(page.read_text()).text)
    assert "Yes: wiener gains .115 mAP" in words
    assert "wiener recovers 71\xa0% of the mAP that blur costs" in words
    assert (folder / "summary.md").read_text().startswith("### Yes: wiener gains .115 mAP\n")


def test_rendering_again_gives_the_same_bytes(write: Write) -> None:
    """Page and summary depend on the other files of the folder and on nothing else."""
    folder = write(maps=MAPS)
    first = [render_report(folder).read_bytes(), (folder / "summary.md").read_bytes()]
    assert [render_report(folder).read_bytes(), (folder / "summary.md").read_bytes()] == first


def test_a_page_needs_nothing_from_outside(write: Write) -> None:
    """One style, one script, embedded pictures; no link leads out, and the browser is forbidden to fetch anything."""
    html = render_report(write(maps=MAPS)).read_text()
    page = Page(html)
    assert set(re.findall(r"https?://[\w./]*", re.sub(r"base64,[^\"]*", "", html))) <= {"http://www.w3.org/2000/svg"}
    assert not {tag for tag, _ in page.tags} & {"link", "iframe", "object", "base"}
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not [attributes for _, attributes in page.tags if "style" in attributes]
    assert all(str(image["src"]).startswith("data:image/webp;base64,") for image in page.all("img"))
    assert all(str(link["href"]).startswith(("#", "pictures/")) for link in page.all("a"))
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'; img-src data:; style-src 'sha256-")


def test_a_page_can_be_read_without_seeing_it(write: Write) -> None:
    """Pictures have words, table heads say what they head, the page has its language and its title."""
    page = Page(render_report(write(maps=MAPS)).read_text())
    assert page.all("img")[0]["alt"] == "second.png, blurred: 1 found · 1 false · 1 missed"
    assert all(plot.get("role") == "img" and plot.get("aria-label") for plot in page.all("svg") if plot.get("class"))
    assert all(head.get("scope") in ("row", "col") for head in page.all("th"))
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1


def test_hostile_names_stay_words_in_the_page(write: Write) -> None:
    """Names with markup, quotes and templates in them add no element and no attribute, and are shown as they are."""
    page = Page(render_report(hostile(write)).read_text())
    assert len(page.all("script")) == 1
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    assert all(str(image["src"]).startswith("data:") for image in page.all("img"))
    words = "".join(page.text)
    assert all(name in words for name in (SCRIPT, QUOTES, PIPES))


def test_hostile_names_stay_words_in_the_summary(write: Write) -> None:
    """No HTML and no further columns or lines come from a name."""
    folder = hostile(write)
    render_report(folder)
    summary = (folder / "summary.md").read_text()
    assert "<script" not in summary
    assert "<img" not in summary
    tables = [line for line in summary.splitlines() if line.startswith("|")]
    assert len(tables) == 2 + 4 + 2 + 2
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} == {5, 3}


def test_a_run_without_sharp_pictures_and_numbers_still_has_a_page(write: Write) -> None:
    """Undefined numbers are dashes with an explanation."""
    page = Page(render_report(write(maps={"blurred": None, "wiener": None})).read_text())
    assert "mAP is undefined here" in [cell.get("title") for cell in page.all("td")]
    assert "There is no verdict on wiener" in "".join(page.text)


def test_pseudo_truth_stands_at_the_top_of_both(write: Write) -> None:
    """Nobody can take pseudo truth for labels."""
    folder = write(maps=MAPS, truth="pseudo")
    html = render_report(folder).read_text()
    assert html.index("Truth is pseudo") < html.index("<section")
    summary = (folder / "summary.md").read_text()
    assert summary.index("Truth is pseudo") < summary.index("| Arm")


def test_a_folder_without_a_file_gets_no_report(write: Write) -> None:
    """A run that is not whole is an error, and no half report is left."""
    folder = write(maps=MAPS)
    (folder / "truth.json").unlink()
    with pytest.raises(DataError, match=r"truth\.json"):
        render_report(folder)
    assert not (folder / "report.html").exists()


def test_a_page_may_lie_elsewhere(write: Write, tmp_path: Path) -> None:
    """One run's page that is asked for in another place is whole, and links no picture that is not beside it."""
    folder = write(maps=MAPS)
    page = render_report(folder, tmp_path / "sample.html")
    assert page == tmp_path / "sample.html"
    assert all(str(link["href"]).startswith("#") for link in Page(page.read_text()).all("a"))
    assert not (folder / "report.html").exists()


def test_two_hundred_hostile_names_stay_words(write: Write) -> None:
    """File, class and run names of every hostile kind: the page is whole, and each is shown letter by letter."""
    rng = random.Random(0)
    names = ["".join(rng.choices(PIECES, k=rng.randint(2, 9))) + str(number) for number in range(200)]
    folder = write(
        names[0].replace("/", "_"),
        maps={"sharp": 0.4, "blurred": 0.2, **dict.fromkeys(names[1:20], 0.3)},
        class_names=names[20:110],
        file_names=names[110:],
        dataset=names[0],
    )
    page = Page(render_report(folder).read_text())
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]
    words = "".join(page.text)
    assert [name for name in names if " ".join(name.split()) not in " ".join(words.split())] == []


def test_runs_stand_on_one_page(write: Write, tmp_path: Path) -> None:
    """Every arm of every run is a row under its ground; runs on other pictures are not passed off as comparable."""
    folders = [write("one", maps=MAPS), write("two", maps={**MAPS, "nah": 0.3}, fingerprint="f" * 64)]
    render_report(folders[0])
    page = Page(render_comparison(folders, tmp_path / "out" / "all.html").read_text())
    words = " ".join("".join(page.text).split())
    assert "rank 1 of 2" in words
    assert "rank 2 of 2" in words
    assert "streets · blobs · one" in words
    assert "streets · blobs · two" in words
    assert "not measured on the same pictures" in words
    assert [link["href"] for link in page.all("a")] == ["../one/report.html"]


def test_runs_on_the_same_ground_need_no_warning(write: Write, tmp_path: Path) -> None:
    """Equal data, truth and detector make runs comparable."""
    folders = [write("one", maps=MAPS), write("two", maps={**MAPS, "nah": 0.3})]
    page = Page(render_comparison(folders, tmp_path / "all.html").read_text())
    assert not [attributes for _, attributes in page.tags if attributes.get("class") == "warning"]


def test_hostile_names_stay_words_in_the_comparison(write: Write, tmp_path: Path) -> None:
    """Run, arm and dataset names add no element."""
    page = Page(render_comparison([hostile(write)], tmp_path / "all.html").read_text())
    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert SCRIPT in "".join(page.text)


def test_comparing_nothing_is_an_error(tmp_path: Path) -> None:
    """A comparison needs a run."""
    with pytest.raises(UsageError, match="no runs"):
        render_comparison([], tmp_path / "all.html")


def test_the_report_never_waits_for_torch() -> None:
    """Rendering imports nothing that takes seconds to import."""
    script = (
        "import sys, detbench.report.render; "
        "print([name for name in ('torch', 'ultralytics', 'pycocotools') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "[]\n"
