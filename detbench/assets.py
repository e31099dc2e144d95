"""What ships with detbench: the folders of `models/` and `datasets/`, from a checkout or from an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(kind: str) -> Path:
    """The shipped `models` or `datasets` folder: inside the wheel, else beside the package in a checkout."""
    packed = _PACKAGE / "_shipped" / kind
    return packed if packed.is_dir() else _PACKAGE.parent / kind
