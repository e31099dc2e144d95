"""HTML pages from templates: every value escaped, a missing one an error."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined


def rendered(template: Path, **values: Any) -> str:
    """The page that a `*.html.j2` file makes of values; it may extend and include files beside it."""
    # Jinja's own choice by file name would leave *.html.j2 unescaped.
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**values)
