"""What goes into a wheel and a source archive, by the build hook's lists; `nox -s build` builds them."""

import runpy
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MOST_TREE_BYTES = 60_000_000
MOST_RELEASE_BYTES = 70_000_000


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with three models: one that ships, one that is registered, one that is superseded."""
    for name in ("guided", "nah", "deblurgan-wild"):
        (tmp_path / "models" / name).mkdir(parents=True)
        for file in ("weights.safetensors", "card.toml"):
            (tmp_path / "models" / name / file).write_text(name)
    (tmp_path / "detbench" / "core").mkdir(parents=True)
    registry = (ROOT / "detbench" / "core" / "fetchable.toml").read_text()
    (tmp_path / "detbench" / "core" / "fetchable.toml").write_text(registry)
    return tmp_path


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the hook's file defines."""
    return runpy.run_path(str(ROOT / "models" / "wheel_contents.py"))


@pytest.mark.parametrize(("release", "models"), [("", ["guided", "nah"]), ("1", ["guided"])])
@pytest.mark.parametrize(("target", "folder"), [("wheel", "detbench/_shipped/models"), ("sdist", "models")])
def test_a_release_leaves_out_what_can_be_fetched(
    hook: dict,
    checkout: Path,
    monkeypatch: pytest.MonkeyPatch,
    release: str,
    models: list[str],
    target: str,
    folder: str,
) -> None:
    """A build holds all weights that are not superseded, a release those alone that the registry does not name."""
    monkeypatch.setenv("DETBENCH_RELEASE", release)
    data: dict[str, dict[str, str]] = {"force_include": {}}
    built = hook["WheelContents"](str(checkout), {}, None, None, "", target)
    built.initialize("standard", data)
    weights = [to for to in data["force_include"].values() if to.endswith("weights.safetensors")]
    assert weights == [f"{folder}/{name}/weights.safetensors" for name in models]
    cards = [to for to in data["force_include"].values() if to.endswith("card.toml")]
    assert len(cards) == (3 if target == "wheel" else 0)  # a source archive has them with the rest of models/


def test_an_editable_installation_gets_no_copies(hook: dict, checkout: Path) -> None:
    """It reads the checkout itself."""
    data: dict[str, dict[str, str]] = {"force_include": {}}
    hook["WheelContents"](str(checkout), {}, None, None, "", "wheel").initialize("editable", data)
    assert data == {"force_include": {}}


def test_a_release_is_small(hook: dict) -> None:
    """What a release adds to the code stays below 70 MB, unpacked."""
    added = [ROOT / path for path in (*hook["weights"](ROOT, True), *hook["others"](ROOT))]
    files = [file for path in added for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    size = sum(file.stat().st_size for file in files)
    assert 30_000_000 < size < MOST_RELEASE_BYTES


def test_the_tree_is_small_without_the_weights() -> None:
    """Tracked files but for models/*/weights.safetensors stay below 60 MB; superseded weights are not tracked."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    tracked = [
        ROOT / name for name in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\0")
    ]
    weights = [path for path in tracked if path.match("models/*/weights.safetensors")]
    size = sum(path.stat().st_size for path in tracked if path.is_file() and path not in weights)
    assert 20_000_000 < size < MOST_TREE_BYTES
    registry = tomllib.loads((ROOT / "detbench" / "core" / "fetchable.toml").read_text())["entry"]
    superseded = {entry["name"] for entry in registry if entry.get("superseded")}
    assert len(superseded) == 3
    assert not superseded & {path.parent.name for path in weights}
