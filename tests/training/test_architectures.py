from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from detbench.errors import UsageError, WeightsError
from detbench.nets.nah import gaussian_pyramid
from detbench.training.architectures import ARCHITECTURES, at_each_scale, make_plan
from detbench.training.losses.content import CROSS_ENTROPY, WASSERSTEIN, l1
from detbench.training.losses.target import Target
from detbench.training.recipe import Recipe

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("blind", {"blurs": ("shake",)}, "blurs is shake, but blind finds one kernel a picture"),
        ("blind", {"blurs": ("trajectory:length_px=80",)}, "name trajectories of at most 62 px"),
        ("blind", {"l1_weight": 1.0}, "l1_weight is 1.0, but blind gives a kernel and has no critic"),
        ("blind", {"critic_steps": 5}, "critic_steps is 5, but blind gives a kernel"),
        ("blind", {"init_as_identity": True}, "init_as_identity is True, but blind gives a kernel"),
        ("blind", {"held_out_px": 64}, "held_out_px is 64, but blind takes multiples of 4 from 68 on"),
        ("nah", {"kernel_weight": 2.0}, "kernel_weight is 2.0, but nah gives pictures"),
    ],
)
def test_what_a_network_cannot_have(name: str, settings: dict[str, object], said: str) -> None:
    """Losses, blurs and crops that are not for a network are refused by name, not left out in silence."""
    recipe = replace(ARCHITECTURES[name].recipe, **settings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said):
        make_plan(name, recipe, None, CPU)


def test_each_is_trained_as_its_authors_did() -> None:
    """Adversarial loss, content, rate and batch are those of each paper."""
    recipes = {name: kind.recipe for name, kind in ARCHITECTURES.items()}
    assert recipes["deblurgan"] == recipes["deblurgan-resize"] == Recipe()
    nah, dense, unet = (recipes[name] for name in ("nah", "deep_generative_filter", "pix2pix"))
    assert {recipe.adversary for recipe in (nah, dense, unet)} == {"cross_entropy"}
    assert (nah.adversarial_weight, nah.learning_rate, nah.batch, nah.augmented) == (1e-4, 5e-5, 2, True)
    assert (dense.vgg_weight, dense.l1_weight, dense.learning_rate, dense.batch) == (145, 170, 3e-4, 1)
    nafnet = recipes["nafnet"]
    assert (nafnet.critic_steps, nafnet.learning_rate, nafnet.betas) == (0, 1e-3, (0.9, 0.9))
    assert (unet.l1_weight, unet.vgg_weight, unet.learning_rate, unet.batch) == (100, 0, 2e-4, 1)


def test_crops_fit_the_network() -> None:
    """A crop that a U-Net of eight halvings cannot take is refused by name before any training."""
    recipe = replace(ARCHITECTURES["pix2pix"].recipe, crop_px=128)
    with pytest.raises(UsageError, match="crop_px is 128, but pix2pix takes multiples of 256"):
        make_plan("pix2pix", recipe, None, CPU)


def test_content_counts_at_each_scale() -> None:
    """An offset of d at every scale costs its loss as often as there are scales; at one scale, once."""
    sharp = torch.rand(1, 3, 16, 16)
    levels = gaussian_pyramid(sharp)
    target = Target(sharp, kernel=torch.ones(1, 1, 1))
    assert at_each_scale(l1)([level + 0.25 for level in levels], target).item() == pytest.approx(0.75)
    assert at_each_scale(l1)([sharp + 0.25], target).item() == pytest.approx(0.25)


def test_a_plan_follows_its_recipe() -> None:
    """Weights, rates and bounds are the recipe's; weights come from its seed, a last one of 0 if it says so."""
    recipe = Recipe(
        vgg_weight=0,
        l2_weight=7,
        l1_weight=3,
        charbonnier_weight=2,
        spectrum_weight=0.05,
        adversary="wasserstein_clipping",
        clip_bound=0.02,
        init_as_identity=True,
        seed=3,
    )
    plan, again = (make_plan("deblurgan", recipe, None, CPU) for _ in range(2))
    losses = [(loss.name, loss.weight) for loss in plan.losses]
    assert losses == [("L1", 3), ("L2", 7), ("charbonnier", 2), ("spectrum", 0.05)]
    assert (plan.clip_bound, plan.penalty_weight, plan.learning_rate) == (0.02, 0, 1e-4)
    assert not plan.generator.get_parameter("leave.weight").any()
    assert torch.equal(plan.generator.get_parameter("enter.weight"), again.generator.get_parameter("enter.weight"))
    penalised = make_plan("deblurgan", replace(recipe, adversary="wasserstein_penalty"), None, CPU)
    assert (penalised.clip_bound, penalised.penalty_weight, penalised.adversarial_loss) == (None, 10, WASSERSTEIN)
    telling = make_plan("deblurgan", replace(recipe, adversary="cross_entropy"), None, CPU)
    assert (telling.clip_bound, telling.penalty_weight, telling.adversarial_loss) == (None, 0, CROSS_ENTROPY)


def test_dropout_is_the_recipes() -> None:
    """All nine blocks drop what the recipe says, half if it says nothing."""
    for recipe, share in ((Recipe(vgg_weight=0, l1_weight=1), 0.5), (Recipe(vgg_weight=0, l1_weight=1, dropout=0), 0)):
        net = make_plan("deblurgan", recipe, None, CPU).generator
        assert [module.p for module in net.modules() if isinstance(module, nn.Dropout)] == [share] * 9


def test_the_perceptual_loss_is_of_the_named_layer(shared_file: Callable[[str], Path]) -> None:
    """From a file, up to the layer that the recipe names; a layer that the file lacks is refused."""
    file = shared_file("weights/vgg19-to-conv3_1.safetensors")
    (loss,) = make_plan("deblurgan", Recipe(vgg_layer="conv2_2"), file, CPU).losses
    sharp = torch.rand(1, 3, 16, 16) * 2 - 1
    assert (loss.name, loss.weight) == ("VGG", 100)
    target = Target(sharp, kernel=torch.ones(1, 1, 1))
    assert loss.measure((sharp,), target).item() == 0
    assert loss.measure((sharp * 0.5,), target).item() > 0
    with pytest.raises(WeightsError, match="no VGG19 up to conv3_3"):
        make_plan("deblurgan", Recipe(), file, CPU)


def test_a_recipe_may_count_detectors_features() -> None:
    """With a weight it stands among the generator's losses; without files it compares the shipped detector's."""
    (loss,) = make_plan("deblurgan", Recipe(vgg_weight=0, detector_weight=3), None, CPU).losses
    assert (loss.name, loss.weight) == ("detector", 3)
    at = Target(torch.zeros(1, 3, 32, 32), torch.ones(1, 1, 1))
    assert loss.measure([at.sharp + 0.2], at) > loss.measure([at.sharp], at) == 0
