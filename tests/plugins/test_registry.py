import importlib.metadata
import re
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest

from detbench.errors import BackendError, UsageError
from detbench.plugins import registry
from detbench.plugins.builtin import DATASETS, DEBLURRERS, DETECTORS
from detbench.plugins.registry import Entry, Registry, did_you_mean

GROUP = "detbench.tests"
WIENER = Entry("wiener", "fractions:Fraction", "built in", options={"numerator": 3, "denominator": 4})
LUCY = Entry("lucy", "math:hypot", "built in")


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Installs entry points, (name, value) pairs, for the length of a test."""

    def install(*pairs: tuple[str, str]) -> None:
        points = tuple(importlib.metadata.EntryPoint(name, value, GROUP) for name, value in pairs)
        monkeypatch.setattr(registry, "entry_points", lambda group: points if group == GROUP else ())

    return install


def table() -> Registry:
    """Two built-ins of one kind."""
    return Registry("deblurrer", GROUP, (WIENER, LUCY))


def test_a_name_finds_its_entry() -> None:
    """The exact name is found, without importing anything."""
    assert table().find("wiener") is WIENER


@pytest.mark.parametrize(
    ("word", "hint"), [("winer", r" Did you mean 'wiener'\?"), ("Lucy", r" Did you mean 'lucy'\?"), ("xyz", "")]
)
def test_an_unknown_name_is_a_usage_error(word: str, hint: str) -> None:
    """The error repeats the word, hints at the nearest name if any is near, and says where all are listed."""
    with pytest.raises(UsageError, match=rf"^no deblurrer named '{word}'\.{hint} `detbench list` shows all$"):
        table().find(word)


def test_did_you_mean_says_nothing_of_what_is_not_near() -> None:
    """One nearest name, or the empty text."""
    assert did_you_mean("strets", ["streets", "drawn"]) == " Did you mean 'streets'?"
    assert did_you_mean("strets", []) == ""


def test_a_class_is_built_with_its_options() -> None:
    """Loading a class gives an instance, made with the entry's options."""
    assert str(WIENER.load()) == "3/4"


def test_a_function_is_the_backend_itself() -> None:
    """Loading a function gives the function, not what it returns."""
    assert LUCY.load()(3, 4) == 5


@pytest.mark.parametrize("target", ["detbench.no_such:thing", "math:no_such", "math.pi:x"])
def test_a_target_that_cannot_be_imported(target: str) -> None:
    """A missing module or attribute is a BackendError that names the entry and its target."""
    with pytest.raises(BackendError, match=rf"^mine \({target}\) cannot be imported: "):
        Entry("mine", target, "").load()


def test_a_module_that_fails_while_it_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plug-in whose own dependency is missing names it."""
    (tmp_path / "plugged.py").write_text("import a_library_that_is_not_here\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendError, match="a_library_that_is_not_here"):
        Entry("mine", "plugged:Thing", "").load()


def test_installed_plug_ins_are_entries(plug_in: Callable[..., None]) -> None:
    """An entry point appears after the built-ins and can be found and loaded, its package unknown here."""
    plug_in(("mine", "math:fsum"))
    entry = table().find("mine")
    assert [known.name for known in table().entries()] == ["wiener", "lucy", "mine"]
    assert (entry.summary, entry.distributions) == ("from the package ?", ("?",))
    assert entry.load()([1, 2]) == 3


def test_a_plug_in_never_takes_a_built_in_name(plug_in: Callable[..., None]) -> None:
    """`wiener` stays the built-in, whatever is installed."""
    plug_in(("wiener", "math:fsum"))
    assert table().find("wiener") is WIENER
    assert len(table().entries()) == 2


def test_listing_imports_no_plug_in(plug_in: Callable[..., None]) -> None:
    """A plug-in that cannot be imported does not break the list: it is not imported for it."""
    plug_in(("broken", "no_such_package_at_all:Thing"))
    assert table().find("broken").target == "no_such_package_at_all:Thing"
    assert "no_such_package_at_all" not in sys.modules


@pytest.mark.parametrize("known", [DEBLURRERS, DETECTORS, DATASETS], ids=lambda known: known.kind)
def test_the_catalog_is_sound(known: Registry) -> None:
    """Built-in names are unique, targets are module:attribute of detbench, and groups are those that plug-ins use."""
    names = [entry.name for entry in known.built_in]
    assert len(set(names)) == len(names)
    assert all(entry.target.startswith("detbench.") and entry.target.count(":") == 1 for entry in known.built_in)
    assert known.group == f"detbench.{known.kind}s"


def test_a_module_that_is_not_found_says_where_it_was_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folders of Python's path but its own library; none where the module is there and lacks something itself."""
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendError, match=rf"Python searched {re.escape(str(tmp_path))}, ") as missing:
        Entry("mine", "nowhere_at_all.inner:net", "given").import_target()
    assert "site-packages" in str(missing.value)
    assert sysconfig.get_path("stdlib") + "," not in str(missing.value)
    (tmp_path / "needs_more.py").write_text("import nowhere_else")
    with pytest.raises(BackendError, match=r"No module named 'nowhere_else'$"):
        Entry("mine", "needs_more:net", "given").import_target()
