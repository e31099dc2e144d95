import base64
import hashlib
import re
from html import unescape
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from detbench.pages.html import rendered


def test_values_are_escaped(tmp_path: Path) -> None:
    """A value is text wherever it comes from, never markup."""
    (tmp_path / "page.html.j2").write_text("<p>{{ name }}</p>")
    assert rendered(tmp_path / "page.html.j2", name="<b>&") == "<p>&lt;b&gt;&amp;</p>"


def test_a_missing_value_is_an_error(tmp_path: Path) -> None:
    """A page with a hole is not written."""
    (tmp_path / "page.html.j2").write_text("{{ name }}")
    with pytest.raises(UndefinedError):
        rendered(tmp_path / "page.html.j2")


def test_the_policy_allows_the_pages_own_style_and_script_and_no_other(tmp_path: Path) -> None:
    """Both inline elements are allowed by their digests; nothing may be fetched, framed or sent."""
    (tmp_path / "page.html.j2").write_text('{% extends "base.html.j2" %}')
    page = rendered(tmp_path / "page.html.j2")
    policy = unescape(re.findall(r'Security-Policy" content="([^"]*)"', page)[0])
    digests = [
        base64.b64encode(hashlib.sha256(re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)[0].encode()).digest())
        for tag in ("style", "script")
    ]
    assert policy == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digests[0].decode()}'; "
        f"script-src 'sha256-{digests[1].decode()}'; base-uri 'none'; form-action 'none'"
    )
