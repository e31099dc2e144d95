from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from detbench.errors import DataError
from detbench.results import published_networks as module
from detbench.results.published_networks import PUBLIC_SETS, public_set_of, published_networks
from detbench.results.schema import RunResult
from detbench.types import Estimate


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder of cards in place of the shipped one."""
    monkeypatch.setattr(module, "shipped", lambda kind: tmp_path)
    published_networks.cache_clear()
    (tmp_path / "published").mkdir()
    yield tmp_path / "published"
    published_networks.cache_clear()


def test_every_claim_has_its_source() -> None:
    """Each network has a claim, each claim a source, a protocol and plausible numbers."""
    networks = published_networks()
    assert {"deblurgan", "restormer", "dmphn", "nah", "mimo-unet", "mimo-unet-plus"} < networks.keys()
    for network in networks.values():
        assert network.claims
        assert network.source.startswith("https://github.com/")
        for claim in network.claims:
            assert claim.source
            assert claim.protocol
            assert 20 < claim.psnr_db < 40
            assert claim.ssim is None or 0.7 < claim.ssim < 1


def test_a_damaged_card_is_named(fresh: Path) -> None:
    """A set that is not known, and a missing field, are one message with the file and what is wrong."""
    text = 'title = "N"\npaper = "p"\nsource = "s"\nlicence = "MIT"\nrun = "python:a:b"\n'
    claim = '[[claims]]\ndata = "mine"\npsnr_db = 30.0\nprotocol = "p"\nsource = "s"\n'
    (fresh / "n.toml").write_text(text + claim)
    with pytest.raises(DataError, match=r"n\.toml: .*`data` is one of gopro, hide.*, not 'mine'"):
        published_networks()
    (fresh / "n.toml").write_text(text)
    with pytest.raises(DataError, match="claims"):
        published_networks()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GOPRO_Large-test-blur", "gopro"),
        ("test-blur", None),
        ("HIDE_dataset-test", "hide"),
        ("hideout-blur", None),
        ("drawn", None),
    ],
)
def test_a_set_is_known_by_its_folder(make_result: Callable[..., RunResult], name: str, expected: str | None) -> None:
    """By its name as a word of the dataset's, in any case."""
    run = make_result()
    assert public_set_of(replace(run, data=replace(run.data, name=name))) == expected


def test_a_set_is_known_by_its_protocol(make_result: Callable[..., RunResult]) -> None:
    """A metric that one set alone has names it, whatever the folder is called."""
    run = make_result()
    for name in ("kohler", "levin"):
        arms = tuple(replace(arm, metrics={PUBLIC_SETS[name].metric: Estimate(30.0, 4)}) for arm in run.arms)
        assert public_set_of(replace(run, arms=arms)) == name


def test_a_network_is_known_by_name_or_weights(make_result: Callable[..., RunResult]) -> None:
    """An arm of its name may have any weights; one with its weights may have any name."""
    network = replace(published_networks()["restormer"], sha256="feed")
    arm = make_result().arms[1]
    named, weighed = replace(arm, name="restormer"), replace(arm, backend={"weights_sha256": "feed"})
    assert [(network.is_of(each), network.has_weights_of(each)) for each in (arm, named, weighed)] == [
        (False, False),
        (True, False),
        (True, True),
    ]
