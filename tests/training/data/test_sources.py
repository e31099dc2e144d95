import shutil
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from detbench.errors import DataError, UsageError
from detbench.training.data.sources import Source, TrainingPicture, find_source, find_sources, split

ALL = Fraction(1)


def test_a_folder_of_pictures_is_sharp(photos: Path) -> None:
    """Pictures without twins are to be blurred on the fly."""
    source = find_source(photos)
    assert (source.name, source.kind, len(source.pictures)) == ("photos", "sharp", 10)
    assert source.pictures[3].sharp == photos / "03.png"
    assert {picture.blurred for picture in source.pictures} == {None}


def test_a_dataset_without_twins_is_sharp(drawn_dataset: Path) -> None:
    """Of a COCO folder the annotated pictures are taken."""
    source = find_source(drawn_dataset)
    assert (source.kind, len(source.pictures)) == ("sharp", 12)


def test_pairs_inside_a_dataset_are_another_source(
    drawn_dataset: Path, make_pairs: Callable[..., Path], tmp_path: Path
) -> None:
    """The pictures of a dataset are taken as sharp ones, whatever pairs lie in a folder of it."""
    folder = shutil.copytree(drawn_dataset, tmp_path / "drawn")
    make_pairs("coco").rename(folder / "pairs")
    assert find_source(folder).kind == "sharp"
    assert find_source(folder / "pairs").kind == "pairs"


@pytest.mark.parametrize("layout", ["coco", "blur", "blur_gamma"])
def test_pairs_are_found(layout: str, make_pairs: Callable[..., Path]) -> None:
    """images/ and blurred/, or clips of sharp/ and blur/ or blur_gamma/, are pairs, each with its own twin."""
    source = find_source(make_pairs(layout))
    assert (source.kind, len(source.pictures)) == ("pairs", 4)
    twin_folder = "blurred" if layout == "coco" else layout
    for pair in source.pictures:
        assert pair.blurred is not None
        assert (pair.blurred.parent.name, pair.blurred.name) == (twin_folder, pair.sharp.name)
        assert pair.blurred.parent.parent == pair.sharp.parent.parent


def test_blur_in_linear_light_goes_first(make_pairs: Callable[..., Path]) -> None:
    """Where a clip has both of GoPro's blurs, it is the one averaged in linear light."""
    folder = make_pairs("blur")
    for clip in folder.iterdir():
        (clip / "blur_gamma").symlink_to(clip / "blur")
    twins = [picture.blurred for picture in find_source(folder).pictures]
    assert {twin.parent.name for twin in twins if twin} == {"blur_gamma"}


def test_a_missing_twin_is_named(make_pairs: Callable[..., Path]) -> None:
    """A sharp picture without its blurred one is no pair."""
    folder = make_pairs("coco")
    (folder / "blurred" / "000002.png").unlink()
    with pytest.raises(DataError, match=r"000002\.png: no blurred twin"):
        find_source(folder)


def test_a_sixth_of_the_pictures(photos: Path) -> None:
    """A fraction is spread evenly over the pictures' order."""
    (third,) = find_sources([photos], None, Fraction(1, 3))
    assert [picture.sharp.stem for picture in third.pictures] == ["00", "03", "06"]


def test_the_mix_weighs_folders(photos: Path, make_pairs: Callable[..., Path]) -> None:
    """Weights are the mix's; without one every picture counts the same."""
    folders = [photos, make_pairs("coco")]
    assert [source.weight for source in find_sources(folders, (2, 1), ALL)] == [2, 1]
    assert [source.weight for source in find_sources(folders, None, ALL)] == [10, 4]


def test_the_last_pictures_are_held_out(photos: Path) -> None:
    """One in ten, at least one, and never one that is trained on."""
    trained, held_out = split(find_source(photos))
    assert [picture.sharp.stem for picture in held_out.pictures] == ["09"]
    assert not set(trained.pictures) & set(held_out.pictures)
    assert len(trained.pictures) == 9


def named(names: Sequence[str]) -> Source:
    """A source of pictures that need not be there."""
    return Source("streets", "sharp", tuple(TrainingPicture(Path(name), None) for name in names), 1.0)


def test_a_street_is_on_one_side() -> None:
    """Of twenty streets with three pictures each, the last two are held out, all six of theirs."""
    names = [f"train-{street:03d}-{view}.png" for street in range(20) for view in range(3)]
    trained, held_out = split(named(names))
    assert [each.sharp.name for each in held_out.pictures] == names[-6:]
    assert [each.sharp.name for each in trained.pictures] == names[:-6]


def test_one_street_is_parted() -> None:
    """Where all pictures are of one place, the last of them is held out all the same."""
    trained, held_out = split(named([f"street-007-{view}.png" for view in range(4)]))
    assert (len(trained.pictures), [each.sharp.name for each in held_out.pictures]) == (3, ["street-007-3.png"])


def test_folders_of_one_name_are_told_apart(photos: Path, tmp_path: Path) -> None:
    """Two folders photos/ are the sources photos and photos-2."""
    again = shutil.copytree(photos, tmp_path / "elsewhere" / "photos")
    assert [source.name for source in find_sources([photos, again], None, ALL)] == ["photos", "photos-2"]


def test_pairs_may_have_boxes(make_pairs: Callable[..., Path]) -> None:
    """A folder of pairs with annotations.json is a source that knows where they are; without, it has none."""
    folder = make_pairs("coco")
    assert find_source(folder).annotations is None
    (folder / "annotations.json").write_text("{}")
    assert find_source(folder).annotations == folder / "annotations.json"


@pytest.mark.parametrize(
    ("mix", "fraction", "error"),
    [
        ((1.0, 2.0), ALL, UsageError),
        ((0.0,), ALL, UsageError),
        (None, Fraction(2), UsageError),
        (None, Fraction(1, 9), DataError),
    ],
)
def test_what_cannot_be_trained_on(
    photos: Path, mix: tuple[float, ...] | None, fraction: Fraction, error: type[Exception]
) -> None:
    """A mix of another length or with a 0, a fraction above 1, and too few pictures are refused."""
    with pytest.raises(error):
        find_sources([photos], mix, fraction)


def test_nothing_to_train_on(tmp_path: Path) -> None:
    """An empty folder and no folder are refused."""
    with pytest.raises(DataError, match="holds no picture"):
        find_sources([tmp_path], None, ALL)
    with pytest.raises(UsageError, match="name a folder"):
        find_sources([], None, ALL)
