from dataclasses import fields
from pathlib import Path

import pytest

from detbench.blur.recipes import ShakeRecipe, TrajectoryRecipe
from detbench.errors import UsageError
from detbench.training.architectures import ARCHITECTURES
from detbench.training.clock import Layout
from detbench.training.data.crop_sizes import CropStage
from detbench.training.recipe import Recipe, read_recipe, recipe_rows
from detbench.training.schedule import Schedule

MODELS = Path(__file__).resolve().parents[2] / "models"


def written(folder: Path, text: str) -> Path:
    """A recipe's file."""
    file = folder / "recipe.toml"
    file.write_text(text)
    return file


def test_defaults_are_the_papers() -> None:
    """Adam 1e-4 with betas .5 and .999, 150 + 150 epochs, batch 1, 5 critic steps, weights 100 and 10, crops of 256."""
    recipe = read_recipe(None, Recipe())
    assert (recipe.learning_rate, recipe.betas, recipe.batch, recipe.crop_px) == (1e-4, (0.5, 0.999), 1, 256)
    assert (recipe.epochs, recipe.decay_epochs, recipe.critic_steps) == (150, 150, 5)
    assert (recipe.vgg_layer, recipe.vgg_weight, recipe.l1_weight, recipe.penalty_weight) == ("conv3_3", 100, 0, 10)
    assert (recipe.average_decay, recipe.init_as_identity, recipe.warm_up_share) == (0, False, 0)


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    """The rest is as the defaults given; whole numbers may stand for others, lists for tuples."""
    text = 'vgg_weight = 10\nblurs = ["shake"]\nepoch_steps = 500\nbetas = [0, 0.9]\n'
    recipe = read_recipe(written(tmp_path, text), Recipe(batch=7))
    assert recipe == Recipe(batch=7, vgg_weight=10.0, blurs=("shake",), epoch_steps=500, betas=(0.0, 0.9))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("learning_rat = 1", "no setting 'learning_rat'. Did you mean 'learning_rate'?"),
        ("batch = 1.5", "batch is 1.5, but must be of type int"),
        ("init_as_identity = 1", "init_as_identity is 1, but must be of type bool"),
        ("epoch_steps = true", "epoch_steps is True, but must be of type int"),
        ('adversary = "clip"', "adversary is 'clip', but must be one of wasserstein_penalty, wasserstein_clipping, "),
        ("vgg_weight = 0", "vgg_weight is 0.0, but must be above 0, or another one"),
        ("l1_weight = -1", "l1_weight is -1.0, but must be 0 or more"),
        ("betas = [0.5]", "betas is [0.5], but must be two numbers"),
        ("crop_px = 250", "crop_px is 250, but must be a multiple of 4"),
        ("average_decay = 1", "average_decay is 1.0, but must be 0 or more and below 1"),
        ("batch = 0", "batch is 0, but must be above 0"),
        ("epochs = 0\ndecay_epochs = 0", "epochs is 0, but must be above 0, or decay_epochs"),
        ("epochs = -1", "epochs is -1, but must be 0 or more"),
        ('decay = "step"', "decay is 'step', but must be one of linear, cosine"),
        ("weight_decay = 0.1", "weight_decay is 0.1, but must be 0 unless optimiser is adamw"),
        ("warm_up_share = 2", "warm_up_share is 2.0, but must be in 0..1"),
        ("steps = 0", "steps is 0, but must be above 0"),
        ("crop_growth = [[0.5, 192]]", "must be a share, crop_px and batch"),
        ("crop_growth = [[0.5, 192, 1], [0.4, 256, 1]]", "must be of rising shares between 0 and 1"),
        ("crop_growth = [[0.5, 190, 1]]", "must be of crops with sides a multiple of 4"),
        ("crop_growth = [[0.5, 192, 2]]", "must be of batches of 1 to 1"),
        ("varied_share = 2", "varied_share is 2.0, but must be in 0..1"),
        ("most_noise = -1", "most_noise is -1.0, but must be in 0..255"),
        ('blurs = ["trajektory"]', "Did you mean 'trajectory'?"),
        ('blurs = ["average"]', "average needs a folder of frames"),
        ("batch =", "no recipe in TOML"),
    ],
)
def test_what_is_wrong_is_said(text: str, said: str, tmp_path: Path) -> None:
    """File, setting and value, and what it must be."""
    with pytest.raises(UsageError) as caught:
        read_recipe(written(tmp_path, text), Recipe())
    assert "recipe.toml: " in str(caught.value)
    assert said in str(caught.value)


def test_the_recipe_of_blind_is_what_it_was_planned_with() -> None:
    """It changes how long and how fast alone; losses, blurs and noise are those of the network's own settings."""
    own = ARCHITECTURES["blind"].recipe
    recipe = read_recipe(MODELS / "blind" / "recipe-cpu.toml", own)
    lengths = {"epochs", "decay_epochs", "epoch_steps"}
    assert {name for name, value in vars(recipe).items() if value != getattr(own, name)} <= lengths


@pytest.mark.parametrize("file", sorted(MODELS.glob("deblurgan/recipe*.toml")), ids=lambda file: file.name)
def test_the_shipped_recipes_can_be_read(file: Path) -> None:
    """They begin as the input, with content loss alone, and know their blurs."""
    recipe = read_recipe(file, Recipe())
    assert recipe.init_as_identity
    assert recipe.critic_steps == 0 or 0 < recipe.warm_up_share < 1
    assert recipe.crops(recipe.crop_px, Layout(1, 1)).margin_px >= 31


@pytest.mark.parametrize("net", ["deblurgan", "nafnet"])
def test_the_recipes_for_a_gpu_need_no_detector(net: str) -> None:
    """ultralytics may not be there; blurs grow over the first fifth, from a quarter of their length."""
    recipe = read_recipe(MODELS / net / "recipe-gpu.toml", ARCHITECTURES[net].recipe)
    assert recipe.detector_weight == 0
    crops = recipe.crops(recipe.crop_px, Layout(1000, 10))
    batches = recipe.schedule(Layout(1000, 10)).first_batch(200)
    assert (crops.growth(0), crops.growth(16 * batches - 1)) == pytest.approx((0.25, 1.0), abs=1e-3)
    assert crops.growth(16 * batches // 2) == pytest.approx(0.625)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A recipe that is not there is an error, not the defaults."""
    with pytest.raises(UsageError, match=r"gone\.toml"):
        read_recipe(tmp_path / "gone.toml", Recipe())


def test_epochs_become_steps() -> None:
    """An epoch takes as many steps as all pictures fill batches, or as the recipe says."""
    recipe = Recipe(batch=4, epochs=3, decay_epochs=2, warm_up_share=0.2)
    assert recipe.layout(10) == Layout(steps=15, epochs=5)
    assert Recipe(epoch_steps=7).layout(10) == Layout(2100, 300)
    schedule = Schedule(flat_steps=9, decay_steps=6, warm_up_steps=3, critic_steps=5, epochs=5)
    assert recipe.schedule(recipe.layout(10)) == schedule
    assert Recipe(ramp_steps=100).schedule(Layout(9, 3)).ramp_steps == 100


def test_epochs_are_parts_of_the_steps_given() -> None:
    """With `steps`, two and one epochs are two thirds and one third of them, whatever pictures there are."""
    recipe = Recipe(steps=1000, epochs=2, decay_epochs=1, decay="cosine", warm_up_share=0.8)
    assert recipe.layout(5) == Layout(1000, 3)
    schedule = recipe.schedule(recipe.layout(5))
    assert (schedule.flat_steps, schedule.decay_steps, schedule.warm_up_steps) == (667, 333, 800)
    assert [step for step in range(1, 1001) if schedule.ends_epoch(step)] == [334, 667, 1000]


def test_growth_is_counted_in_crops() -> None:
    """Two epochs of three steps, the first tenth of them without a critic, take 3 + 3·6 batches of 4 crops."""
    recipe = Recipe(batch=4, epochs=10, decay_epochs=0, warm_up_share=0.1, growth_epochs=2, growth_start=0.2)
    assert recipe.crops(256, Layout(30, 10)).growth_crops == 84


def test_crops_grow_at_shares_of_the_steps(tmp_path: Path) -> None:
    """Of 100 steps from the 35th and the 75th on; a critic's steps before them count as batches."""
    text = "crop_px = 128\nbatch = 12\ncrop_growth = [[0.35, 192, 6], [0.75, 256, 3]]"
    recipe = read_recipe(written(tmp_path, text), Recipe(critic_steps=2, warm_up_share=0.5))
    stages = (CropStage(0, 128, 12), CropStage(35, 192, 6), CropStage(75 + 2 * 25, 256, 3))
    assert recipe.crop_sizes(Layout(100, 1)).stages == stages
    assert recipe.parts() == [0, 0.35, 0.5, 0.75]


def test_blurs_are_recipes() -> None:
    """Texts become the blur recipes of `detbench blur`; the margin holds the longest."""
    crops = Recipe(blurs=("trajectory:length_px=40,noise=2", "shake")).crops(64, Layout(1, 1))
    assert crops.blurs == (TrajectoryRecipe(length_px=40, noise=2), ShakeRecipe())
    assert crops.margin_px == 32
    assert Recipe(blurs=("trajectory:length_px=100",)).crops(64, Layout(1, 1)).margin_px == 51


def test_every_setting_says_what_it_is() -> None:
    """A row for each field in its order: the recipe's own value as TOML has it, the range that is checked, a text."""
    rows = {name: rest for name, *rest in recipe_rows(Recipe(batch=7))}
    assert list(rows) == [field.name for field in fields(Recipe)]
    assert rows["batch"] == ["7", "above 0", "crops a step, of all processes together"]
    assert rows["blurs"][0] == '["trajectory:light=linear", "shake"]'
    assert rows["steps"][0] == "–"
    assert rows["average_decay"][1] == "0 or more and below 1"
    assert rows["decay"][1] == "one of linear, cosine"
    assert all(what for *_, what in rows.values())


@pytest.mark.parametrize("text", ["trajectory:sensor=camera", "shake:sensor=camera,jpeg=50"])
def test_a_training_blurs_without_a_sensor(text: str) -> None:
    """What only `detbench blur` does is refused, and the way round is named."""
    with pytest.raises(UsageError, match=r"without sensor=camera, not .* make pairs with `detbench blur` first"):
        Recipe(blurs=(text,)).crops(64, Layout(1, 1))
