"""The release's own files: changelog, citation, addresses, workflows, and what `nox -s release` publishes."""

import datetime
import hashlib
import re
import runpy
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

import detbench
from detbench.datasets.blurred_writer import MANIFEST_SCHEMA
from detbench.evaluation.shards import SCHEMA as SHARD_SCHEMA
from detbench.gate.baseline import FORMAT
from detbench.results.schema import SCHEMA_VERSION

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
URLS = PROJECT["urls"]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
OFFICIAL = r"actions/[\w-]+@v\d+|pypa/gh-action-pypi-publish@release/v1"
"""GitHub's own actions by major version, and the Python Packaging Authority's, whose releases are this branch."""

LEAST = {
    "ci": [{"contents": "read"}],
    "site": [{"contents": "read"}, {"pages": "write", "id-token": "write"}],
    "release": [{"contents": "read"}, {"contents": "write"}, {"id-token": "write"}],
}
"""The permissions of each workflow and of its jobs that have their own."""


def read_yaml(path: Path) -> Any:
    """A YAML file; `on` is a key, not true."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {"on" if key is True else key: value for key, value in document.items()}


def test_the_changelog_has_the_form_of_keep_a_changelog() -> None:
    """Unreleased first, then releases with their days, newest first; groups by their names; a link for each release."""
    heads = re.findall(r"^## (.+)$", CHANGELOG, re.M)
    assert heads[0] == "[Unreleased]"
    releases = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", head) for head in heads[1:]]
    assert None not in releases
    days = [datetime.date.fromisoformat(each[2]) for each in releases]
    assert days == sorted(days, reverse=True)
    groups = set(re.findall(r"^### (.+)$", CHANGELOG, re.M))
    assert groups <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    links = dict(re.findall(r"^\[(.+?)\]: (\S+)$", CHANGELOG, re.M))
    newest = releases[0][1]
    assert list(links) == ["Unreleased", *(each[1] for each in releases)]
    assert links["Unreleased"] == f"{URLS['Repository']}/compare/v{newest}...HEAD"
    assert links["0.1.0"] == f"{URLS['Repository']}/releases/tag/v0.1.0"


def test_the_version_is_the_newest_release() -> None:
    """Package, changelog and citation say one version, and changelog and citation one day."""
    version, day = re.search(r"^## \[(\d.+?)\] - (.+)$", CHANGELOG, re.M).groups()
    citation = read_yaml(ROOT / "CITATION.cff")
    assert (detbench.__version__, str(citation["version"])) == (version, version)
    assert str(citation["date-released"]) == day


def test_the_first_release_is_read_in_minutes() -> None:
    """At most 100 lines say what there is."""
    section = CHANGELOG[CHANGELOG.index("## [0.1.0]") : CHANGELOG.index("[Unreleased]:")]
    assert len(section.splitlines()) <= 100


def test_the_citation_is_cff() -> None:
    """The keys that CFF 1.2.0 requires, no key that it does not know, and persons or entities as authors."""
    citation = read_yaml(ROOT / "CITATION.cff")
    known = {
        "abstract", "authors", "cff-version", "commit", "contact", "date-released", "doi", "identifiers", "keywords",
        "license", "license-url", "message", "preferred-citation", "references", "repository", "repository-artifact",
        "repository-code", "title", "type", "url", "version",
    }  # fmt: skip
    assert citation.keys() >= {"authors", "cff-version", "message", "title"}
    assert citation.keys() <= known
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in ("software", "dataset")
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    for reference in citation["references"]:
        assert reference.keys() >= {"authors", "title", "type"}
        assert re.fullmatch(r"10\.\d{4,}/\S+", reference["doi"])


def test_every_address_of_the_repository_is_the_same() -> None:
    """Files that must spell the repository or the site spell those of pyproject.toml, and no other."""
    owner_and_name = URLS["Repository"].removeprefix("https://github.com/")
    said = subprocess.run(["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if said.returncode:
        pytest.skip("needs git and a checkout")
    texts = {".md", ".yml", ".yaml", ".toml", ".cff", ".py", ".j2"}
    files = [ROOT / name for name in said.stdout.split("\0") if Path(name).suffix in texts or name == "Dockerfile"]
    spelt = {
        (file.relative_to(ROOT).as_posix(), found[0])
        for file in files
        if file.is_file()
        for found in re.finditer(
            r"(?:github\.com/|uses: )([\w.-]+/detbench)\b|([\w-]+)\.github\.io/detbench",
            file.read_text(encoding="utf-8"),
        )
    }
    site = URLS["Documentation"].removeprefix("https://").removesuffix("/")
    right = {f"github.com/{owner_and_name}", f"uses: {owner_and_name}", site}
    assert {each for _, each in spelt} <= right, spelt
    assert {"CITATION.cff", "CHANGELOG.md", "pyproject.toml", "detbench/docs/mkdocs.yml"} <= {file for file, _ in spelt}
    assert read_yaml(ROOT / "CITATION.cff")["repository-code"] == URLS["Repository"]
    assert read_yaml(ROOT / "CITATION.cff")["url"] == URLS["Documentation"]
    mkdocs = (ROOT / "detbench" / "docs" / "mkdocs.yml").read_text()
    assert f"\nsite_url: {URLS['Documentation']}\n" in mkdocs
    assert f'<a href="{URLS["Repository"]}">' in mkdocs


def test_classifiers_are_known() -> None:
    """PyPI refuses a package with a classifier that it does not know."""
    known = pytest.importorskip("trove_classifiers").classifiers
    assert set(PROJECT["classifiers"]) <= known
    assert URLS.keys() == {"Repository", "Documentation", "Changelog", "Issues"}


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.stem)
def test_actions_are_official_and_pinned(path: Path) -> None:
    """Every `uses:` is an official action by its major version."""
    used = re.findall(r"^\s*(?:- )?uses: (\S+)$", path.read_text(), re.M)
    assert used
    assert [each for each in used if not re.fullmatch(OFFICIAL, each)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_permissions_are_least(path: Path) -> None:
    """A workflow may read; a job that writes has that right alone."""
    workflow = read_yaml(path)
    jobs = workflow["jobs"].values()
    assert [workflow["permissions"], *(job["permissions"] for job in jobs if "permissions" in job)] == LEAST[path.stem]


@pytest.mark.parametrize("path", [*WORKFLOWS, ROOT / "action.yml"], ids=lambda path: path.stem)
def test_no_expression_is_part_of_a_script(path: Path) -> None:
    """What people write into names, branches and inputs reaches a shell as a variable, never as its text."""
    document = read_yaml(path)
    jobs = [document["runs"]] if "runs" in document else document["jobs"].values()
    scripts = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_workflows_call_what_is_here() -> None:
    """Scripts and nox sessions that they name exist, and PyPI gets a release only where a variable says so."""
    text = "\n".join(path.read_text() for path in WORKFLOWS)
    sessions = set(re.findall(r"nox -s (\w+)", text))
    assert sessions == {"docs", "release"}
    noxfile = (ROOT / "noxfile.py").read_text()
    assert all(f"\ndef {session}(session" in noxfile for session in sessions)
    assert (ROOT / ".ci" / "run").is_file()
    release = read_yaml(ROOT / ".github" / "workflows" / "release.yml")
    assert release["on"] == {"push": {"tags": ["v*"]}}
    assert release["jobs"]["pypi"]["if"] == "vars.PUBLISH_TO_PYPI == 'true'"


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_issue_forms_have_what_github_requires(name: str) -> None:
    """A name, a description, and questions with a label and an id of their own."""
    form = read_yaml(ROOT / ".github" / "ISSUE_TEMPLATE" / f"{name}.yml")
    assert form["name"]
    assert form["description"]
    ids = [each["id"] for each in form["body"]]
    assert len(set(ids)) == len(ids) >= 3
    assert all(each["attributes"]["label"] for each in form["body"])


@pytest.fixture(scope="module")
def nox_file() -> dict[str, Any]:
    """What noxfile.py defines."""
    pytest.importorskip("nox")
    return runpy.run_path(str(ROOT / "noxfile.py"))


def test_a_release_brings_the_weights_that_its_wheel_leaves_out(
    nox_file: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each model with a card, whether its weights are still in the tree or not."""
    for name in ("here", "packed", "gone", "no-card"):
        (tmp_path / "models" / name).mkdir(parents=True)
        if name != "no-card":
            (tmp_path / "models" / name / "card.toml").write_text("")
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("detbench/_shipped/models/packed/weights.safetensors", "")
    monkeypatch.chdir(tmp_path)
    assert nox_file["left_out"](wheel) == ["gone", "here"]


def test_weights_that_left_the_tree_come_from_its_history(
    nox_file: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they were before they were removed; others than those of the card are refused."""
    folder = tmp_path / "models" / "old"
    folder.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    file, card = folder / "weights.safetensors", folder / "card.toml"
    file.write_bytes(b"\0weights")
    card.write_text(f'sha256 = "{hashlib.sha256(file.read_bytes()).hexdigest()}"\n')
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org")
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["commit", "-qm", "a"],
        ["rm", "-q", str(file)],
        ["commit", "-qm", "b"],
    ):
        subprocess.run([*git, *words], check=True)
    assert nox_file["weights_of"]("old") == b"\0weights"
    card.write_text('sha256 = "0"\n')
    with pytest.raises(ValueError, match="its SHA-256 is not the one of its card"):
        nox_file["weights_of"]("old")


def test_the_notes_of_a_release_are_its_part_of_the_changelog(nox_file: dict[str, Any]) -> None:
    """From below its heading to before the next one or the links."""
    notes = nox_file["release_notes"](CHANGELOG, "0.1.0")
    assert notes.startswith("### Added\n")
    assert "detbench gate" in notes
    assert "[Unreleased]:" not in notes
    older = nox_file["release_notes"]("## [2.0.0] - x\n\nnew\n\n## [1.0.0] - y\n\nold\n\n[a]: b\n", "2.0.0")
    assert older == "new\n"


def test_the_action_is_named_by_this_version() -> None:
    """The page shows the action at the tag of this version."""
    page = (ROOT / "detbench" / "docs" / "pages" / "how-to" / "ci-gate.md").read_text()
    assert re.findall(r"uses: (\S+/detbench@\S+)", page) == [
        f"{URLS['Repository'].removeprefix('https://github.com/')}@v{detbench.__version__}"
    ]


def test_the_page_on_versions_has_those_of_today() -> None:
    """The versions that files state are the ones that this detbench writes."""
    page = (ROOT / "detbench" / "docs" / "pages" / "reference" / "versions.md").read_text()
    stated = dict(re.findall(r"^\| (.+?) \| `\w+` \| `?([\w ]+?)`?(?:;.*)? \|$", page, re.M))
    assert stated == {
        "`result.json`": str(SCHEMA_VERSION),
        "a baseline": FORMAT,
        "the manifest of a blurred dataset": str(MANIFEST_SCHEMA),
        "a shard's folder": str(SHARD_SCHEMA),
    }
