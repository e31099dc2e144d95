from pathlib import Path

import pytest
from jinja2 import UndefinedError

from detbench.pages import rendered


def test_values_are_escaped(tmp_path: Path) -> None:
    """A value is text wherever it comes from, never markup."""
    (tmp_path / "page.html.j2").write_text("<p>{{ name }}</p>")
    assert rendered(tmp_path / "page.html.j2", name="<b>&") == "<p>&lt;b&gt;&amp;</p>"


def test_a_missing_value_is_an_error(tmp_path: Path) -> None:
    """A page with a hole is not written."""
    (tmp_path / "page.html.j2").write_text("{{ name }}")
    with pytest.raises(UndefinedError):
        rendered(tmp_path / "page.html.j2")
