from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from detbench.core import licences
from detbench.core.licences import is_agpl, required_packages, stated_licence, weights_licences

APACHE = "License :: OSI Approved :: Apache Software License"


def package(**fields: str) -> Distribution:
    """A package with these fields of metadata; underscores stand for hyphens."""
    metadata = Message()
    for name, value in fields.items():
        metadata[name.replace("_", "-")] = value
    return cast(Distribution, SimpleNamespace(metadata=metadata))


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT AND Zlib", "License": "see there"}, "MIT AND Zlib"),
        ({"License": "AGPL-3.0", "Classifier": APACHE}, "AGPL-3.0"),
        ({"License": "Copyright (c) 1999\nAll rights", "Classifier": APACHE}, "Apache Software License"),
        ({"License": "The licence\nin full"}, "The licence"),
        ({"Classifier": "Programming Language :: Python"}, "not stated"),
    ],
)
def test_the_clearest_field_is_taken(fields: dict[str, str], licence: str) -> None:
    """The SPDX expression, else the older field in one line, else the classifier, else the first line of a text."""
    assert stated_licence(package(**fields)) == licence


def test_agpl_is_known_by_its_names() -> None:
    """As ultralytics states it, as SPDX does, and as a classifier does; other licences of the GNU family are not it."""
    names = ("AGPL-3.0", "AGPL-3.0-only", "GNU Affero General Public License v3 or later (AGPLv3+)")
    assert all(map(is_agpl, names))
    assert not any(map(is_agpl, ("MIT", "GPL-3.0-only", "LGPL-2.1", "not stated")))


def test_packages_are_those_of_the_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What detbench requires and what an extra brings, where it is there; no tools."""
    ours = Message()
    for extra in ("yolo", "onnx", "dev"):
        ours["Provides-Extra"] = extra
    requires = [
        "numpy>=2",
        'ultralytics-opencv-headless>=8; extra == "yolo"',
        'onnxruntime; extra == "onnx"',
        'ruff; extra == "dev"',
        'tomli; python_version < "3"',
    ]
    there = {"numpy", "ultralytics-opencv-headless", "ruff", "tomli"}
    monkeypatch.setattr(licences, "distribution", lambda _: SimpleNamespace(metadata=ours, requires=requires))
    monkeypatch.setattr(
        licences, "installed_distribution", lambda name: SimpleNamespace(name=name) if name in there else None
    )
    assert [found.name for found in required_packages()] == ["numpy", "ultralytics-opencv-headless"]


def test_two_networks_are_agpl() -> None:
    """The YOLOs, which ultralytics trained; every other shipped network is MIT. The text is there."""
    found = weights_licences()
    assert {name for name, licence in found.items() if is_agpl(licence)} == {"yolov8n-streets", "yolov8n-streets-blur"}
    assert {licence for licence in found.values() if not is_agpl(licence)} == {"MIT"}
    text = (Path(licences.shipped("models")) / "LICENSE-AGPL-3.0").read_text()
    assert text.split()[:5] == ["GNU", "AFFERO", "GENERAL", "PUBLIC", "LICENSE"]
    assert len(text.splitlines()) == 661
