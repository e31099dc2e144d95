from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[..., Any]


def test_blur_command(detbench: Run, drawn_dataset: Path) -> None:
    """`detbench blur` prints the folder that it made, and how strong the blur is on stderr."""
    said = detbench("blur", drawn_dataset, "--out", "twins", "--recipe", "shake")
    assert said.code == 0, said.err
    assert said.out.splitlines() == ["twins"]
    assert "12 pictures" in said.err
    assert len(list(Path("twins/blurred").iterdir())) == 12
