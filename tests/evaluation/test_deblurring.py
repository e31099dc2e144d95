"""Pictures to deblur: what is done with which file, what each becomes, and what is never written over."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.images import encode_png, read_image
from detbench.core.kernel_pictures import kernel_picture
from detbench.errors import DataError, NotEvaluableError, OutputError, UsageError
from detbench.evaluation.deblurring import Job, Outcome, PictureDeblurrer, deblur, notes_on, open_deblurrer, plan_jobs
from detbench.plugins.backend import Backend
from detbench.plugins.registry import Entry
from detbench.types import BlurEstimate, Image, Kernel, Restoration

KERNELS = np.full((1, 1, 3, 3), 1 / 9)


def picture(seed: int = 0, height: int = 12, width: int = 17) -> Image:
    """A picture of random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def invert(blurred: Image) -> Image:
    """The negative: what is restored differs from its input everywhere but in the middle grey."""
    return 255 - blurred


class Estimator:
    """Restores with a kernel; pictures that begin with a black row are left as they are."""

    def __call__(self, blurred: Image) -> Image:
        return self.restore(blurred).image

    def restore(self, blurred: Image) -> Restoration:
        if not blurred[0].any():
            return Restoration(blurred, None)
        return Restoration(255 - blurred, BlurEstimate(KERNELS, "linear"))


@dataclass(frozen=True)
class Given(Backend):
    """A backend that is already built."""

    built: Any = None

    def build(self) -> Any:
        return self.built


def opened(built: Any, *, kernels: bool = False, by_name: bool = False) -> PictureDeblurrer:
    """A deblurrer that needs no import, opened as the command does."""
    entry = Entry("given", "nowhere:nothing", "given", by_name=by_name)
    return open_deblurrer(Given("given", entry, {}, built=built), 5, kernels=kernels)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three pictures, one in a folder of its own, beside what is none."""
    folder = tmp_path / "photos"
    (folder / "trip").mkdir(parents=True)
    (folder / ".trash").mkdir()
    for seed, name in enumerate(("b10.png", "b9.png", "trip/b9.png", ".trash/old.png", ".hidden.png")):
        (folder / name).write_bytes(encode_png(picture(seed)))
    (folder / "notes.txt").write_text("where was this?")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "out"


def plan(*pictures: Path, out: Path, kernels: bool = False, overwrite: bool = False) -> list[Job]:
    """The jobs for files and folders."""
    return plan_jobs(pictures, out, kernels=kernels, overwrite=overwrite)


def targets(jobs: list[Job], out: Path) -> list[str]:
    """What is written, relative to the output folder."""
    return [output.relative_to(out).as_posix() for job in jobs for output in job.outputs]


def test_a_folders_pictures_keep_their_paths(photos: Path, out: Path) -> None:
    """All pictures below a folder are taken, numbers in order; hidden ones and other files are not."""
    assert targets(plan(photos, out=out), out) == ["b9.png", "b10.png", "trip/b9.png"]


def test_files_of_a_folder_that_cannot_be_read_are_counted(photos: Path) -> None:
    """A HEIC among a folder's pictures is left out with a note, texts without one."""
    assert notes_on([photos, photos / "b10.png"]) == ()
    (photos / "trip" / "c.heic").write_bytes(b"")
    assert notes_on([photos]) == ("1 file that is no picture, or of a kind that cannot be read, was left out: c.heic",)


def test_a_file_lands_by_its_name(photos: Path, out: Path) -> None:
    """Files are taken whatever folder they are in, in the order given."""
    assert targets(plan(photos / "trip/b9.png", photos / "b10.png", out=out), out) == ["b9.png", "b10.png"]


def test_kernels_go_beside_their_pictures(photos: Path, out: Path) -> None:
    """The picture of a kernel has the name of its picture."""
    assert targets(plan(photos / "trip", out=out, kernels=True), out) == ["b9.png", "b9.kernel.png"]


def test_a_picture_that_is_named_twice_is_done_once(photos: Path, out: Path) -> None:
    """A folder and a file in it are not two pictures."""
    assert len(plan(photos, photos / "b9.png", photos / "trip/../b9.png", out=out)) == 3


def test_two_pictures_do_not_become_one_file(photos: Path, out: Path) -> None:
    """Equal names from two folders are refused, with both pictures and the file; so are equal names of kernels."""
    with pytest.raises(UsageError, match=r"photos/b9\.png and .*trip/b9\.png would both be written to .*out/b9\.png"):
        plan(photos / "b9.png", photos / "trip/b9.png", out=out)
    (photos / "b9.jpg").write_bytes(encode_png(picture()))
    assert len(plan(photos, out=out)) == 4
    with pytest.raises(UsageError, match=r"would both be written to .*b9\.kernel\.png"):
        plan(photos, out=out, kernels=True)


@pytest.mark.parametrize("inside", [".", "deblurred", ".."])
def test_a_folder_and_its_results_do_not_overlap(photos: Path, inside: str) -> None:
    """Results in the folder would be taken for pictures by the next run."""
    with pytest.raises(UsageError, match="overlap; choose a folder outside"):
        plan(photos, out=photos / inside)


def test_results_of_a_file_may_lie_near_it(photos: Path) -> None:
    """A file brings no other file with it, so a folder beside it or below is no danger."""
    assert len(plan(photos / "b9.png", out=photos / "deblurred")) == 1


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_picture_is_never_written_over_itself(photos: Path, tmp_path: Path, overwrite: bool) -> None:
    """Into its own folder, through a link to that folder, and onto a link to the picture: all are refused."""
    (tmp_path / "link").symlink_to(photos)
    (tmp_path / "links").mkdir()
    (tmp_path / "links/b9.png").symlink_to(photos / "b9.png")
    for folder in (photos, tmp_path / "link", tmp_path / "links"):
        with pytest.raises(UsageError, match=r"b9\.png would be written over, and is one of the pictures"):
            plan(photos / "b9.png", out=folder, overwrite=overwrite)
    with pytest.raises(UsageError, match=r"b9\.png would be written over"):
        plan(tmp_path / "links/b9.png", out=tmp_path / "links", overwrite=overwrite)


def test_what_is_there_is_not_overwritten_unasked(photos: Path, out: Path) -> None:
    """The first file that is there is named, with the number of the others; --overwrite allows it."""
    (out / "trip").mkdir(parents=True)
    (out / "trip/b9.png").write_text("mine")
    with pytest.raises(OutputError, match=r"trip/b9\.png is there already.*--overwrite"):
        plan(photos, out=out)
    (out / "b10.png").symlink_to("nowhere")
    with pytest.raises(OutputError, match=r"b10\.png and 1 more files are there already"):
        plan(photos, out=out)
    assert len(plan(photos, out=out, overwrite=True)) == 3


def test_what_is_not_there_is_named(photos: Path, out: Path) -> None:
    """A missing file is refused, and so is a folder without pictures, each with its own exit code."""
    with pytest.raises(DataError, match=r"b11\.png: no such file or folder"):
        plan(photos, photos / "b11.png", out=out)
    (photos / ".trash/old.png").unlink()
    with pytest.raises(NotEvaluableError, match=r"no picture in .*\.trash; what counts is .*\.jpg"):
        plan(photos / ".trash", out=out)


def test_every_picture_is_restored(photos: Path, out: Path) -> None:
    """Each output holds what the deblurrer makes of its picture, and the pictures stay as they were."""
    before = {path: path.read_bytes() for path in photos.rglob("*.png")}
    jobs = plan(photos, out=out)
    assert list(deblur(jobs, opened(invert))) == [Outcome()] * 3
    for job in jobs:
        assert np.array_equal(read_image(job.target), 255 - read_image(job.source))
    assert {path: path.read_bytes() for path in photos.rglob("*.png")} == before


def test_outcomes_come_as_pictures_are_done(photos: Path, out: Path) -> None:
    """When a picture is told to be done its file is there, and the next one's is not."""
    jobs = plan(photos, out=out)
    done = deblur(jobs, opened(invert))
    for count in (1, 2, 3):
        next(done)
        assert [job.target.exists() for job in jobs] == [place < count for place in range(3)]


def raising(blurred: Image) -> Image:
    """Fails."""
    raise ZeroDivisionError("by nought")


def sleeping(blurred: Image) -> Image:
    """Takes too long."""
    time.sleep(30)
    return blurred


@pytest.mark.parametrize(
    ("fails", "said"),
    [
        (raising, "given failed: ZeroDivisionError: by nought"),
        (sleeping, "given took longer than 0.05 s"),
        (lambda blurred: blurred[:-1], "given returned uint8 (11, 17, 3)"),
        (lambda blurred: blurred / 255, "given returned float64 (12, 17, 3)"),
        (lambda blurred: None, "given returned NoneType"),
    ],
)
def test_what_fails_on_a_picture_is_told(photos: Path, out: Path, fails: Any, said: str) -> None:
    """Picture, deblurrer and reason are in the message; nothing is written."""
    (outcome,) = deblur(plan(photos / "b9.png", out=out), PictureDeblurrer("given", fails, 0.05))
    assert outcome.failure is not None
    assert outcome.failure.startswith(f"{photos / 'b9.png'}: {said}")
    assert not out.exists()


def test_an_estimator_returns_a_restoration(photos: Path, out: Path) -> None:
    """A method `restore` that gives something else fails the picture."""

    class Odd(Estimator):
        def restore(self, blurred: Image) -> Any:
            return blurred

    (outcome,) = deblur(plan(photos / "b9.png", out=out), opened(Odd()))
    assert "given returned ndarray" in str(outcome.failure)


def test_the_others_are_done(photos: Path, out: Path) -> None:
    """A damaged picture fails alone."""
    (photos / "b10.png").write_bytes((photos / "b10.png").read_bytes()[:60])
    outcomes = list(deblur(plan(photos, out=out), opened(invert)))
    assert [outcome.failure is None for outcome in outcomes] == [True, False, True]
    assert "b10.png: damaged picture" in str(outcomes[1].failure)
    assert not (out / "b10.png").exists()


def test_memory_that_runs_out_makes_tiles_smaller(tmp_path: Path, out: Path) -> None:
    """A deblurrer with tiles that runs out of memory is given smaller ones, and its input unspoilt."""

    class Tiled:
        max_pixels = 1_000_000

        def __call__(self, blurred: Image) -> Image:
            blurred[:] = 255 - blurred
            if self.max_pixels > 250_000:
                raise MemoryError
            return blurred

    path = tmp_path / "large.png"
    path.write_bytes(encode_png(picture(height=600, width=800)))
    assert list(deblur(plan(path, out=out), opened(Tiled()))) == [Outcome()]
    assert np.array_equal(read_image(out / "large.png"), 255 - read_image(path))


def test_kernels_are_written_where_they_are_found(photos: Path, out: Path) -> None:
    """The kernel's picture lies beside its picture; one that is left as it is has none, not an earlier run's either."""
    black = picture()
    black[0] = 0
    (photos / "b9.png").write_bytes(encode_png(black))
    out.mkdir()
    (out / "b9.kernel.png").write_text("of an earlier run")
    jobs = plan(photos, out=out, kernels=True, overwrite=True)
    outcomes = list(deblur(jobs, opened(Estimator(), kernels=True)))
    assert [outcome.is_explained for outcome in outcomes] == [False, True, True]
    assert np.array_equal(read_image(out / "b9.png"), black)
    assert not (out / "b9.kernel.png").exists()
    assert np.array_equal(read_image(out / "trip/b9.kernel.png"), kernel_picture(KERNELS))


def test_a_deblurrer_without_kernels_explains_nothing_and_need_not(photos: Path, out: Path) -> None:
    """That no kernel was found is told of those alone that look for one, whether or not kernels are written."""
    black = np.zeros_like(picture())
    (photos / "b9.png").write_bytes(encode_png(black))
    (of_estimator,) = deblur(plan(photos / "b9.png", out=out), opened(Estimator()))
    (of_other,) = deblur(plan(photos / "b9.png", out=out, overwrite=True), opened(invert))
    assert (of_estimator.is_explained, of_other.is_explained) == (False, True)


class Oracle:
    """Must be told the kernel."""

    needs_kernel = True

    def __call__(self, blurred: Image, kernel: Kernel) -> Image:
        return blurred


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"built": Oracle()}, "given needs the blur kernel.*detbench list"),
        ({"built": None, "by_name": True}, "given only finds pictures .* restored already.*command:"),
        ({"built": invert, "kernels": True}, "given estimates no blur kernel.*--kernels.*does: .*restore"),
    ],
)
def test_deblurrers_that_cannot_do_it_are_refused(options: dict[str, Any], said: str) -> None:
    """Oracles, recorded pictures, and for --kernels whatever estimates none: each with why, and what to do."""
    with pytest.raises(UsageError, match=said):
        opened(**options)


@pytest.fixture
def stopping() -> Callable[[Image], Image]:
    """A deblurrer that is interrupted at its second picture."""
    calls: list[Image] = []

    def restore(blurred: Image) -> Image:
        calls.append(blurred)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return 255 - blurred

    return restore


def test_an_interruption_leaves_whole_files(photos: Path, out: Path, stopping: Callable[[Image], Image]) -> None:
    """After Ctrl-C what was finished is there, whole, and nothing half written."""
    with pytest.raises(KeyboardInterrupt):
        list(deblur(plan(photos, out=out), opened(stopping)))
    assert [path.name for path in out.iterdir()] == ["b9.png"]
    with PillowImage.open(out / "b9.png") as whole:
        whole.load()
