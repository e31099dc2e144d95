from pathlib import Path

import pytest

from detbench.core import paths as assets
from detbench.core.paths import cache_folder, home_expanded, shipped
from detbench.errors import UsageError


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DETBENCH_CACHE is the cache where it is set; unset or empty, the user's cache folder is."""
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "user" / name)
    monkeypatch.setenv("DETBENCH_CACHE", str(tmp_path / "elsewhere"))
    assert cache_folder() == tmp_path / "elsewhere"
    monkeypatch.setenv("DETBENCH_CACHE", "")
    assert cache_folder() == tmp_path / "user" / "detbench"
    monkeypatch.delenv("DETBENCH_CACHE")
    assert cache_folder() == tmp_path / "user" / "detbench"


def test_a_wheel_carries_what_a_checkout_has_beside_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Models lie beside the package in a checkout; where the package carries its own, those are taken."""
    package = tmp_path / "detbench"
    monkeypatch.setattr(assets, "_PACKAGE", package)
    assert shipped("models") == tmp_path / "models"
    (package / "_shipped" / "models").mkdir(parents=True)
    assert shipped("models") == package / "_shipped" / "models"


@pytest.mark.parametrize(
    ("word", "expanded"),
    [
        ("~", "/home/me"),
        ("~/a", "/home/me/a"),
        ("--out=~/a", "--out=/home/me/a"),
        ("yolo:~/a#val", "yolo:/home/me/a#val"),
        ("x=onnx:~/m.onnx,weights=~/w", "x=onnx:/home/me/m.onnx,weights=/home/me/w"),
        ("command:tool ~/w.pt {input}", "command:tool /home/me/w.pt {input}"),
        ("./~/a", "./~/a"),
        ("a~/b", "a~/b"),
        ("PROGRA~1", "PROGRA~1"),
        ("~nobody-of-this-name/a", "~nobody-of-this-name/a"),
    ],
)
def test_a_tilde_is_expanded_as_in_a_shell(monkeypatch: pytest.MonkeyPatch, word: str, expanded: str) -> None:
    """At the beginning of a word and behind what separates its parts; elsewhere it is a letter."""
    monkeypatch.setenv("HOME", "/home/me")
    assert home_expanded(word) == expanded


def test_the_cache_is_in_a_home_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell expands ~ in a service's DETBENCH_CACHE; without a home folder the variable is named."""
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DETBENCH_CACHE", "~/c")
    assert cache_folder() == Path("/home/me/c")
    monkeypatch.setenv("DETBENCH_CACHE", "")
    monkeypatch.setattr("platformdirs.user_cache_path", lambda _: Path("~nobody-of-this-name/.cache"))
    with pytest.raises(UsageError, match="no such home folder; name a folder for the cache with DETBENCH_CACHE"):
        cache_folder()
