"""HTML pages from templates: every value escaped, a missing one an error, and nothing that a browser would fetch."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

PARTS = Path(__file__).parent / "templates"
"""What all pages share: their frame, tables, plots and strips of pictures, one style and one script."""


def rendered(template: Path, **values: Any) -> str:
    """The page that a `*.html.j2` file makes of values; it may extend and include files beside it and those of PARTS.

    Style and script are inlined; the page's Content-Security-Policy allows these two, data: pictures, and nothing else.
    """
    style = (PARTS / "style.css").read_text(encoding="utf-8")
    script = (PARTS / "script.js").read_text(encoding="utf-8")
    # Jinja's own choice by file name would leave *.html.j2 unescaped.
    environment = Environment(
        loader=FileSystemLoader([template.parent, PARTS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own = {"style": Markup(style), "script": Markup(script), "policy": _policy(style, script)}
    return environment.get_template(template.name).render(**own, **values)


def _policy(style: str, script: str) -> str:
    return (
        f"default-src 'none'; img-src data:; style-src '{_sha256(style)}'; script-src '{_sha256(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _sha256(text: str) -> str:
    """The digest by which a policy knows an inline element."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
