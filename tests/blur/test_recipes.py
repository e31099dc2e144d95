import json
from pathlib import Path

import numpy as np
import pytest

from detbench.blur.kernels import convolve
from detbench.blur.noise import to_image
from detbench.blur.recipes import (
    AverageRecipe,
    PictureRecipe,
    ShakeRecipe,
    TrajectoryRecipe,
    parse_picture_recipe,
    parse_recipe,
    recipe_spec,
)
from detbench.errors import DataError, UsageError

SHARP = np.random.default_rng(0).integers(0, 256, (48, 65, 3), dtype=np.uint8)
BLACK = np.zeros((4, 4, 3), np.uint8)
RECIPES = [TrajectoryRecipe(), ShakeRecipe(degrees=2.0)]


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_picture_is_blurred_alike_every_time(recipe: PictureRecipe) -> None:
    """Seed and key fix every pixel, the parameters and the severity; size and type are the picture's."""
    first, blur = recipe.apply(SHARP, 7)
    again, same = recipe.apply(SHARP.copy(), 7)
    assert np.array_equal(first, again)
    assert (blur.parameters, blur.severity_px) == (same.parameters, same.severity_px)
    assert (first.shape, first.dtype, blur.kind) == (SHARP.shape, np.uint8, recipe.kind)


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_order_of_pictures_changes_none(recipe: PictureRecipe) -> None:
    """Permuting or leaving out pictures leaves each other's blur as it was."""
    forwards = {key: recipe.apply(SHARP, key)[0] for key in (1, 2, 3)}
    backwards = {key: recipe.apply(SHARP, key)[0] for key in (3, 1)}
    assert all(np.array_equal(forwards[key], backwards[key]) for key in backwards)


@pytest.mark.parametrize("recipe", RECIPES)
def test_pictures_and_seeds_differ(recipe: PictureRecipe) -> None:
    """Another key or another seed draws another blur."""
    other_seed = type(recipe)(seed=1)
    assert not np.array_equal(recipe.apply(SHARP, 1)[0], recipe.apply(SHARP, 2)[0])
    assert not np.array_equal(recipe.apply(SHARP, 1)[0], other_seed.apply(SHARP, 1)[0])


@pytest.mark.parametrize("recipe", RECIPES)
def test_keys_may_be_names(recipe: PictureRecipe) -> None:
    """A relative file name is a key as an id is."""
    assert not np.array_equal(recipe.apply(SHARP, "a/1.png")[0], recipe.apply(SHARP, "a/2.png")[0])


def test_a_drawn_blur_is_known_for_good() -> None:
    """The random numbers of seed 0 and key 1 are pinned: a change would change every published dataset."""
    blur = TrajectoryRecipe().apply(BLACK, 1)[1]
    assert blur.parameters["anxiety"] == pytest.approx(0.0095880325)
    assert blur.parameters["exposure"] == 0.1
    assert blur.severity_px == pytest.approx(5.5348985)


def test_trajectories_record_what_was_drawn() -> None:
    """Everything drawn is in the parameters: applying them again as settings gives the same picture."""
    blurred, blur = TrajectoryRecipe(seed=4).apply(SHARP, 9)
    again, _ = TrajectoryRecipe(**blur.parameters).apply(SHARP, 9)
    assert np.array_equal(blurred, again)
    assert set(blur.parameters) == {"seed", "length_px", "anxiety", "exposure", "light", "noise"}
    assert None not in blur.parameters.values()


def test_shakes_record_what_was_drawn() -> None:
    """The drawn angle, given as a setting, gives the same picture; the number of warps is on record."""
    blurred, blur = ShakeRecipe(seed=4).apply(SHARP, 9)
    again, _ = ShakeRecipe(seed=4, degrees=float(blur.parameters["degrees"])).apply(SHARP, 9)
    assert np.array_equal(blurred, again)
    assert blur.parameters["warps"] >= 8
    assert blur.kernel is None


def test_the_recorded_kernel_made_the_picture() -> None:
    """Without noise the blurred picture is the sharp one under the recorded kernel, in the recorded light."""
    blurred, blur = TrajectoryRecipe(noise=0, light="gamma").apply(SHARP, 5)
    assert blur.kernel is not None
    assert blur.kernel.light == blur.parameters["light"] == "gamma"
    assert np.array_equal(blurred, to_image(convolve(SHARP, blur.kernel)))


def test_drawn_values_cover_their_ranges() -> None:
    """Over 100 pictures, anxieties spread evenly over DeblurGAN's range and each exposure is drawn."""
    drawn = [TrajectoryRecipe().apply(BLACK, key)[1].parameters for key in range(100)]
    anxieties = np.array([parameters["anxiety"] for parameters in drawn])
    assert 0.003 <= anxieties.min() < 0.0035
    assert 0.0095 < anxieties.max() <= 0.01
    assert np.median(anxieties) == pytest.approx(0.0065, rel=0.15)
    assert {parameters["exposure"] for parameters in drawn} == {0.1, 0.5, 1.0}


def test_fixing_one_setting_keeps_the_other_draws() -> None:
    """With the drawn exposure, or the light, fixed by hand, the path is the same, so severities can be compared."""
    drawn = TrajectoryRecipe().apply(BLACK, 1)[1]
    fixed = TrajectoryRecipe(exposure=0.1, light="gamma").apply(BLACK, 1)[1]
    assert drawn.parameters["anxiety"] == fixed.parameters["anxiety"]
    assert np.array_equal(drawn.kernel.weights, fixed.kernel.weights)


def test_a_straight_trajectory_has_its_length_as_severity() -> None:
    """Anxiety 0 over a whole exposure of 40 px is a severity of 40 px."""
    blur = TrajectoryRecipe(length_px=40, anxiety=0, exposure=1).apply(BLACK, 1)[1]
    assert blur.severity_px == pytest.approx(40, rel=0.02)


def test_averaging_says_what_it_did() -> None:
    """A window of frames becomes their mean, with the light and the window on record."""
    frames = [np.full((20, 20, 3), level, np.uint8) for level in (0, 0, 0, 70, 140, 140, 140)]
    blurred, blur = AverageRecipe(light="gamma").average(frames)
    assert np.unique(blurred).tolist() == [70]
    assert (blur.kind, dict(blur.parameters), blur.kernel) == ("average", {"window": 7, "light": "gamma"}, None)


def test_averaging_needs_its_window() -> None:
    """Six frames for a window of seven are refused."""
    with pytest.raises(DataError, match="6 frames for a window of 7"):
        AverageRecipe().average([BLACK] * 6)


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("trajectory", TrajectoryRecipe()),
        (
            "trajectory:anxiety=0.005,light=gamma,seed=3",
            TrajectoryRecipe(anxiety=0.005, light="gamma", seed=3),
        ),
        ("trajectory: length_px = 40, exposure=.5", TrajectoryRecipe(length_px=40, exposure=0.5)),
        ("shake:degrees=2,noise=0", ShakeRecipe(degrees=2, noise=0)),
        ("average:window=11", AverageRecipe(window=11)),
    ],
)
def test_recipes_are_read_from_text(text: str, recipe: PictureRecipe) -> None:
    """A name, then settings after a colon."""
    assert parse_recipe(text) == recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trajctory", r"no recipe named 'trajctory'\. Did you mean 'trajectory'\? Recipes: trajectory, shake, average"),
        ("", "no recipe named ''"),
        ("trajectory:anxeity=1", r"no setting 'anxeity'\. Did you mean 'anxiety'\? Settings: seed, length_px, "),
        ("shake:anxiety=.005", r"shake has no setting 'anxiety'\. Settings: seed, degrees, light, noise"),
        ("trajectory:seed", "seed is '', but must be a whole number"),
        ("trajectory:seed=1.5", "seed is '1.5', but must be a whole number"),
        ("trajectory:anxiety=much", "anxiety is 'much', but must be a number"),
        ("trajectory:anxiety=nan", r"anxiety is nan, but must lie in 0\.\.0\.1"),
        ("trajectory:seed=1,seed=2", "seed is set twice"),
        ("trajectory:seed=-1", "seed is -1, but must be 0 or more"),
        ("trajectory:length_px=0", "length_px is 0.0, but must be above 0 and at most 200"),
        ("trajectory:length_px=201", "at most 200"),
        ("trajectory:anxiety=.2", r"must lie in 0\.\.0\.1"),
        ("trajectory:exposure=0", "exposure is 0.0, but must be above 0 and at most 1"),
        ("trajectory:exposure=2", "at most 1"),
        ("trajectory:noise=-1", r"must lie in 0\.\.255"),
        ("trajectory:light=lineal", r"light is 'lineal', but must be one of linear, gamma\. Did you mean 'linear'\?"),
        ("shake:degrees=50", "degrees is 50.0, but must be above 0 and at most 5"),
        ("average:window=8", r"window is 8, but must be one of \(7, 9, 11, 13\)"),
        ("average:light=dark", "average: light is 'dark'"),
    ],
)
def test_wrong_recipes_are_refused_with_a_hint(text: str, message: str) -> None:
    """Unknown names and values out of range say what was wrong and what is allowed."""
    with pytest.raises(UsageError, match=message):
        parse_recipe(text)


def test_single_pictures_cannot_be_averaged() -> None:
    """Where single pictures are blurred, `average` is refused and the way round is named."""
    assert parse_picture_recipe("shake") == ShakeRecipe()
    with pytest.raises(UsageError, match="detbench blur FRAMES --recipe average"):
        parse_picture_recipe("average")


@pytest.mark.parametrize("recipe", [*RECIPES, AverageRecipe()])
def test_a_spec_is_the_recipe_in_plain_json(recipe: PictureRecipe) -> None:
    """The spec survives JSON, names the kind first, and builds the recipe again."""
    spec = json.loads(json.dumps(recipe_spec(recipe)))
    assert next(iter(spec)) == "kind"
    assert type(recipe)(**{key: value for key, value in spec.items() if key != "kind"}) == recipe


CAMERA = ["trajectory:sensor=camera", "shake:degrees=2,sensor=camera"]


@pytest.mark.parametrize("text", CAMERA)
def test_a_sensor_leaves_the_blur_as_it_is(text: str) -> None:
    """With and without a sensor the same path is drawn; its settings are on record in place of the noise."""
    recipe, plain = parse_picture_recipe(text), parse_picture_recipe(text.replace("sensor=camera", "light=linear"))
    image, blur = recipe.apply(SHARP, 7)
    again, _ = recipe.apply(SHARP, 7)
    expected = plain.apply(SHARP, 7)[1]
    assert np.array_equal(image, again)
    assert (image.shape, image.dtype) == (SHARP.shape, np.uint8)
    assert (blur.kind, blur.severity_px) == (plain.kind, expected.severity_px)
    kept = {key: value for key, value in expected.parameters.items() if key != "noise"}
    assert {key: blur.parameters[key] for key in kept} == kept
    assert {key: blur.parameters[key] for key in ("sensor", "electrons", "read_noise", "jpeg")} == {
        "sensor": "camera",
        "electrons": 1000.0,
        "read_noise": 1.0,
        "jpeg": 90,
    }
    assert "noise" not in blur.parameters
    assert 0.25 <= blur.parameters["highlights"] <= 1.75
    assert (blur.kernel is None) == (expected.kernel is None)


def test_the_kernel_of_a_sensor_is_one_of_light() -> None:
    """Oracles see the kernel, which averages linear light although a trajectory's own default is gamma."""
    blur = parse_picture_recipe("trajectory:sensor=camera").apply(SHARP, 1)[1]
    assert blur.kernel is not None
    assert blur.kernel.light == blur.parameters["light"] == "linear"


def test_a_saturated_point_draws_its_path_at_full_white() -> None:
    """A lamp of 5 px, 21 times white, leaves a white streak along a straight path of 20 px; one of white a grey one."""
    sharp = np.zeros((61, 61, 3), np.uint8)
    sharp[28:33, 28:33] = 255
    text = "trajectory:length_px=20,anxiety=0,exposure=1,sensor=camera,jpeg=100,highlights="
    bright, blur = parse_picture_recipe(text + "20").apply(sharp, 1)
    dim, _ = parse_picture_recipe(text + "0").apply(sharp, 1)
    assert blur.kernel is not None
    weights = np.pad(blur.kernel.weights, (61 - len(blur.kernel.weights)) // 2)
    path = weights > 0.8 / 20
    assert path.sum() >= 8
    assert bright[path].min() >= 250
    assert dim[path].max() < 200


def test_a_sensor_has_a_spec_of_its_own() -> None:
    """The spec of a recipe without a sensor has no word of one; with one, every setting stands in it, but no noise."""
    assert set(recipe_spec(parse_recipe("shake"))) == {"kind", "seed", "degrees", "light", "noise"}
    spec = json.loads(json.dumps(recipe_spec(parse_recipe("shake:sensor=camera,jpeg=70,seed=2"))))
    assert spec == {
        "kind": "shake",
        "seed": 2,
        "degrees": None,
        "light": "linear",
        "sensor": "camera",
        "highlights": None,
        "electrons": 1000.0,
        "read_noise": 1.0,
        "jpeg": 70,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trajectory:sensor=phone", "are those of sensor=camera"),
        ("trajectory:jpeg=70", "are those of sensor=camera; add it, or leave them out"),
        ("trajectory:sensor=camera,jpeg=0", r"jpeg is 0, but must lie in 1\.\.100"),
        ("trajectory:sensor=camera,electrons=5", r"electrons is 5.0, but must lie in 10\.\.100000"),
        ("trajectory:sensor=camera,electrons=nan", r"electrons is nan, but must lie in"),
        ("shake:sensor=camera,read_noise=-1", r"read_noise is -1.0, but must lie in 0\.\.100"),
        ("shake:sensor=camera,highlights=1001", r"must lie in 0\.\.1000"),
        ("trajectory:sensor=camera,light=gamma", "light is 'gamma', but a sensor adds up light: leave light out"),
        ("trajectory:sensor=camera,noise=2", "noise is 2.0, but sensor=camera has electrons and read_noise"),
        ("average:sensor=camera", "average has no setting 'sensor'"),
        ("kernels", "name a file or folder with blur kernels, kernels:PATH"),
    ],
)
def test_wrong_sensors_are_refused_with_a_hint(text: str, message: str) -> None:
    """Settings out of range, alone, or against what a sensor does say so."""
    with pytest.raises(UsageError, match=message):
        parse_recipe(text)


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """Two kernels: four pixels across, and three down."""
    folder = tmp_path / "a,b=c"
    folder.mkdir()
    np.save(folder / "across.npy", np.ones((1, 4)))
    np.save(folder / "down.npy", np.ones((3, 1)))
    return folder


def test_kernels_are_drawn_from_files(measured: Path) -> None:
    """Each picture has one of the kernels by its key alone, which made it and is on record, with its strength."""
    recipe = parse_picture_recipe(f"kernels:{measured},seed=3,noise=0")
    blurs = {key: recipe.apply(SHARP, key) for key in range(12)}
    severities = {blur.parameters["kernel"]: blur.severity_px for _, blur in blurs.values()}
    # Places -1.5 .. 1.5 have the variance 1.25, and -1 .. 1 have 2/3.
    assert severities == pytest.approx({"across.npy": (12 * 1.25) ** 0.5, "down.npy": 8**0.5})
    for key, (image, blur) in blurs.items():
        assert np.array_equal(image, to_image(convolve(SHARP, blur.kernel)))
        assert np.array_equal(image, recipe.apply(SHARP, key)[0])
        assert (blur.kernel.light, blur.parameters["seed"], blur.parameters["path"]) == ("linear", 3, str(measured))


def test_a_spec_of_kernels_changes_with_their_files(measured: Path) -> None:
    """So that finished work with other kernels is not taken for this."""
    text = f"kernels:{measured}"
    before = recipe_spec(parse_recipe(text))
    assert set(json.loads(json.dumps(before))) == {"kind", "path", "seed", "light", "noise", "sha256"}
    assert recipe_spec(parse_recipe(text)) == before
    np.save(measured / "down.npy", np.ones((5, 1)))
    assert recipe_spec(parse_recipe(text)) != before


def test_kernels_go_through_a_sensor(measured: Path) -> None:
    """`sensor=camera` stands behind a path as it does behind settings."""
    recipe = parse_picture_recipe(f"kernels:{measured},sensor=camera,jpeg=50")
    blur = recipe.apply(SHARP, 1)[1]
    assert blur.parameters["jpeg"] == 50
    assert blur.parameters["kernel"] in ("across.npy", "down.npy")


def test_a_kernel_larger_than_the_picture_is_refused(measured: Path) -> None:
    """With the kernel's name and both sizes."""
    np.save(measured / "down.npy", np.ones((9, 1)))
    np.save(measured / "across.npy", np.ones((1, 9)))
    with pytest.raises(DataError, match=r"the kernel \w+\.npy has 9x9 pixels around its centroid, a picture has 20x8"):
        parse_picture_recipe(f"kernels:{measured}").apply(np.zeros((8, 20, 3), np.uint8), 1)


def test_kernels_that_are_not_there_are_refused(tmp_path: Path) -> None:
    """A path that is wrong, or a setting that is no setting and so part of it, is named."""
    with pytest.raises(DataError, match=r"gone,sed=3: cannot be read"):
        parse_recipe(f"kernels:{tmp_path}/gone,sed=3")
