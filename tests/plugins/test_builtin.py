import importlib
import inspect

import pytest

from detbench.deblurrers.blind import Blind
from detbench.plugins.builtin import DEBLURRER_KINDS, DEBLURRERS, DETECTOR_KINDS, DETECTORS
from detbench.plugins.registry import Entry

ENTRIES = (*DEBLURRERS.built_in, *DETECTORS.built_in, *DEBLURRER_KINDS, *DETECTOR_KINDS)


@pytest.mark.parametrize("entry", [each for each in ENTRIES if each.name != "python"], ids=lambda entry: entry.target)
def test_every_target_is_there(entry: Entry) -> None:
    """The strings of the table name a function or a class that can be imported."""
    if entry.missing():
        pytest.skip(f"needs {', '.join(entry.missing())}")
    module, _, attribute = entry.target.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_settings_are_the_constructors_own() -> None:
    """The first word of each setting is the default of the option that it sets."""
    options = inspect.signature(Blind).parameters
    settings = DEBLURRERS.find("blind").settings
    assert {name: words[0] for name, words in settings.items()} == {name: options[name].default for name in settings}


def test_names_are_given_once() -> None:
    """No two entries of one table share a name, since the first would hide the other."""
    for table in (DEBLURRERS.built_in, DETECTORS.built_in, DEBLURRER_KINDS, DETECTOR_KINDS):
        assert len({entry.name for entry in table}) == len(table)
