import hashlib
import tomllib
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from detbench.core.paths import shipped
from detbench.errors import WeightsError
from detbench.nets.blind_kernel import BlindKernel
from detbench.nets.weights import load_weights, save_weights


def small_net() -> nn.Module:
    """Two convolutions with random weights."""
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 3, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a model folder: the weights of a small net and the card that goes with them."""
    digest = save_weights(small_net(), tmp_path / "small" / "weights.safetensors")
    (tmp_path / "small" / "card.toml").write_text(f'sha256 = "{digest}"\n')
    return tmp_path / "small"


def message(net: nn.Module, path: Path) -> str:
    """Return what the WeightsError says that loading raises."""
    with pytest.raises(WeightsError) as caught:
        load_weights(net, path, "small")
    return str(caught.value)


def test_saved_weights_come_back_in_half_precision(tmp_path: Path) -> None:
    """What is loaded is float32 and equals what was saved, rounded to float16; a folder and a file do alike."""
    saved, from_folder, from_file = small_net(), small_net(), small_net()
    path = tmp_path / "weights.safetensors"
    digest = save_weights(saved, path)
    load_weights(from_folder, tmp_path, "small")
    load_weights(from_file, path, "small")
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    for key, tensor in saved.state_dict().items():
        for loaded in (from_folder, from_file):
            assert loaded.state_dict()[key].dtype == torch.float32
            assert torch.equal(loaded.state_dict()[key], tensor.half().float())


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    """Saving twice gives the same file, in channels_last too."""
    net = small_net()
    first = save_weights(net, tmp_path / "a.safetensors")
    assert save_weights(net.to(memory_format=torch.channels_last), tmp_path / "b.safetensors") == first


def test_a_card_that_agrees_is_accepted(folder: Path) -> None:
    """Weights whose digest is their card's load, as do weights whose card names no digest."""
    load_weights(small_net(), folder, "small")
    (folder / "card.toml").write_text('architecture = "small"\n')
    load_weights(small_net(), folder, "small")


def test_missing_weights_say_how_to_get_them(tmp_path: Path) -> None:
    """A missing file is named, with the command that trains it."""
    said = message(small_net(), tmp_path / "weights.safetensors")
    assert str(tmp_path / "weights.safetensors") in said
    assert "detbench train small" in said


def test_an_empty_folder_names_the_file_it_lacks(tmp_path: Path) -> None:
    """A model folder without weights is missing its weights.safetensors."""
    assert str(tmp_path / "weights.safetensors") in message(small_net(), tmp_path)


@pytest.mark.parametrize("kept", [0, 5, 60, -1])
def test_truncated_weights_are_damaged(folder: Path, kept: int) -> None:
    """A file cut anywhere, the header included, is one clear error."""
    path = folder / "cut.safetensors"
    path.write_bytes((folder / "weights.safetensors").read_bytes()[:kept])
    assert "damaged" in message(small_net(), path)


def test_a_pickle_is_not_opened(tmp_path: Path) -> None:
    """A torch checkpoint is refused as no safetensors file."""
    torch.save(small_net().state_dict(), tmp_path / "net.pt")
    assert "no safetensors" in message(small_net(), tmp_path / "net.pt")


def test_another_card_is_refused(folder: Path) -> None:
    """Weights that are not those of their card are named with both digests."""
    (folder / "card.toml").write_text(f'sha256 = "{"0" * 64}"\n')
    said = message(small_net(), folder)
    assert "0" * 64 in said
    assert hashlib.sha256((folder / "weights.safetensors").read_bytes()).hexdigest() in said


def test_a_card_that_is_no_toml_is_refused(folder: Path) -> None:
    """A damaged card is an error of its own, not a card without a digest."""
    (folder / "card.toml").write_text("sha256 = \n")
    assert "card.toml: not TOML" in message(small_net(), folder)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (nn.Sequential(nn.Conv2d(3, 4, 5), nn.Conv2d(4, 3, 3)), "'0.weight' is expected with shape (4, 3, 5, 5)"),
        (nn.Sequential(nn.Conv2d(3, 4, 3)), "'1.bias' is expected with shape none, found with (3,)"),
        (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 3, 3), nn.Conv2d(3, 3, 1)), "'2.bias'"),
    ],
    ids=["shape", "extra", "lacking"],
)
def test_another_architecture_is_named_by_its_first_tensor(folder: Path, other: nn.Module, said: str) -> None:
    """Weights of another net are refused with the first tensor that differs, expected and found."""
    assert said in message(other, folder)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """A NaN in a file, or an overflow of float16 when it was saved, does not become a black picture."""
    tensors = small_net().state_dict()
    tensors["0.bias"][1] = torch.inf
    safetensors.torch.save_file(tensors, tmp_path / "net.safetensors")
    assert "not finite" in message(small_net(), tmp_path / "net.safetensors")


def test_a_refused_file_changes_nothing(folder: Path) -> None:
    """A net keeps its weights when a file is refused."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 3, 1))
    before = {key: tensor.clone() for key, tensor in net.state_dict().items()}
    message(net, folder)
    assert all(torch.equal(tensor, before[key]) for key, tensor in net.state_dict().items())


@pytest.mark.parametrize(
    "file", sorted(shipped("models").glob("*/weights.safetensors")), ids=lambda file: file.parent.name
)
def test_shipped_cards_name_their_weights(file: Path) -> None:
    """Every card of a shipped model has the digest of the weights beside it."""
    card = tomllib.loads(file.with_name("card.toml").read_text(encoding="utf-8"))
    assert card["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_the_shipped_kernel_network_loads() -> None:
    """The weights of `blind` fit its network, and are not those that it begins with."""
    net = BlindKernel()
    load_weights(net, shipped("models") / "blind", "blind")
    assert net.get_parameter("clean.tail.weight").any()
