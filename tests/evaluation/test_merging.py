"""Shards of a run, joined: the numbers of one machine, whoever measured what, or one message that says why not."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PillowImage

from detbench.core.progress import unwatched
from detbench.errors import DataError, DetbenchError, NotEvaluableError, UsageError
from detbench.evaluation.merging import merge
from detbench.evaluation.request import RunSpec, Share, Truth
from detbench.evaluation.run import run
from detbench.evaluation.shards import run_shard
from detbench.results.cache import Cache
from detbench.results.folder import RunFolder


@pytest.fixture(scope="module")
def asked(drawn_dataset: Path) -> Callable[..., RunSpec]:
    """Makes the specification of a small run."""

    def make(truth: Truth = "labels", limit: int = 9, resamples: int = 20, blur: str = "trajectory") -> RunSpec:
        return RunSpec(str(drawn_dataset), ("identity",), "blobs", blur, truth, limit, "cpu", resamples=resamples)

    return make


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A cache that the tests share, so that each picture is restored once."""
    return Cache(tmp_path_factory.mktemp("cache"))


def shards_of(spec: RunSpec, count: int, folder: Path, cache: Cache) -> list[Path]:
    """Measure every shard of a run; their folders."""
    folders = [folder / f"{index}-of-{count}" for index in range(1, count + 1)]
    for index, path in enumerate(folders, start=1):
        run_shard(spec, Share(index, count), path, cache, unwatched)
    return folders


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("truth", ["labels", "pseudo"])
def test_any_number_of_shards_gives_the_same_bytes(
    truth: Truth, asked: Callable[..., RunSpec], cache: Cache, tmp_path: Path
) -> None:
    """1, 2, 3 and 7 shards, some of them empty, in any order, give every file of the undivided run byte for byte."""
    spec = asked(truth, limit=5)
    run(spec, tmp_path / "whole", cache, unwatched)
    whole = contents(tmp_path / "whole")
    for count in (1, 2, 3, 7):
        folders = shards_of(spec, count, tmp_path / "shards", cache)
        merge(folders[::-1], tmp_path / "merged", cache, unwatched)
        assert contents(tmp_path / "merged") == whole


def test_shards_share_a_sample_of_harm(
    asked: Callable[..., RunSpec], cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every fourth of nine pictures is in it, of four shards the first measures all of the harm, and the merged
    run is the undivided one byte for byte.
    """
    monkeypatch.setattr("detbench.evaluation.measure.harm.FEWEST_PICTURES", 2)
    spec = replace(asked(), deblurrers=("identity", "wiener"))
    result = run(spec, tmp_path / "whole", cache, unwatched)
    assert result.harm_ids is not None
    assert len(result.harm_ids) == 3
    whole = contents(tmp_path / "whole")
    for count in (2, 4, 5):
        folders = shards_of(spec, count, tmp_path / "shards", cache)
        merge(folders[::-1], tmp_path / "merged", cache, unwatched)
        assert contents(tmp_path / "merged") == whole
    lines = [
        (path / "pictures.jsonl").read_text().count("sharp+wiener") for path in shards_of(spec, 4, tmp_path, cache)
    ]
    assert lines == [3, 0, 0, 0]


def test_harm_of_all_and_of_a_sample_share_their_pictures(
    asked: Callable[..., RunSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one has measured the other finds in the cache; the sample's harm is that over its pictures in the other run,
    and the numbers of all arms are the same.
    """
    monkeypatch.setattr("detbench.evaluation.measure.harm.FEWEST_PICTURES", 2)
    (tmp_path / "hiding.py").write_text("def restore(image):\n    image[:, :160] = 128\n    return image\n")
    monkeypatch.syspath_prepend(tmp_path)
    spec, cache = replace(asked(), deblurrers=("hiding=python:hiding:restore",)), Cache(tmp_path / "cache")
    counts = []
    for harm in ("none", "sample", "all", "sample"):
        result = run(replace(spec, harm=harm), tmp_path / harm, cache, unwatched)
        counts.append(len(list((tmp_path / "cache" / "restore").rglob("*.json"))))
        n = result.arms[2].metrics["harm"].n if harm != "none" else None
        assert n == {"none": None, "sample": 3, "all": 9}[harm]
    assert counts == [9, 12, 18, 18]
    metrics = {harm: json.loads((tmp_path / harm / "metrics.json").read_text()) for harm in ("none", "sample", "all")}
    harms = {harm: each.pop("hiding.harm") for harm, each in metrics.items()}
    assert harms["none"] is None
    assert 0 < harms["sample"] != harms["all"] > 0
    assert metrics["none"] == metrics["sample"] == metrics["all"]


def test_shard_folders_are_all_that_merging_needs(
    asked: Callable[..., RunSpec], cache: Cache, drawn_dataset: Path, tmp_path: Path
) -> None:
    """Machines that share neither cache nor dataset give the same numbers, times aside, and merging is repeatable."""
    data = shutil.copytree(drawn_dataset, tmp_path / "drawn")
    spec = RunSpec(str(data), ("wiener",), "blobs", "trajectory", limit=8, device="cpu", resamples=20)
    folders = [
        shards_of(spec, 2, tmp_path / f"machine-{machine}", Cache(tmp_path / f"cache-{machine}"))[machine - 1]
        for machine in (1, 2)
    ]
    run(spec, tmp_path / "whole", cache, unwatched)
    shutil.rmtree(data)
    for machine in (1, 2):
        shutil.rmtree(tmp_path / f"cache-{machine}")
    for out in ("once", "again"):
        merge(folders, tmp_path / out, Cache(tmp_path / f"cache-{out}"), unwatched)
    once, whole = contents(tmp_path / "once"), contents(tmp_path / "whole")
    assert once == contents(tmp_path / "again")
    timed = {"metrics.json", "result.json", "images.csv"}
    assert {name: once[name] for name in once.keys() - timed} == {name: whole[name] for name in whole.keys() - timed}
    metrics = [json.loads(files["metrics.json"]) for files in (once, whole)]
    measured = (".restore_", ".detect_ms_", ".fps_")
    untimed = [{key: value for key, value in each.items() if not any(map(key.count, measured))} for each in metrics]
    assert untimed[0] == untimed[1]


def test_what_cannot_be_merged_is_said(asked: Callable[..., RunSpec], cache: Cache, tmp_path: Path) -> None:
    """A missing shard, one named twice, one of another division or of another run: one message each, no folder."""
    one, two, three = shards_of(asked(), 3, tmp_path, cache)
    half = shards_of(asked(), 2, tmp_path, cache)[0]
    other = tmp_path / "other"
    run_shard(asked(resamples=21), Share(3, 3), other, cache, unwatched)
    wrong: list[tuple[list[Path], type[DetbenchError], str]] = [
        ([one, three], NotEvaluableError, "1 of 3 shards missing (2/3)"),
        ([one, two, three, two], UsageError, "are both shard 2/3"),
        ([one, half], NotEvaluableError, "not of one division"),
        ([one, two, other], NotEvaluableError, "their specification resamples being 20 and 21"),
        ([one, tmp_path / "nowhere"], DataError, "a shard is what `detbench run --shard` printed"),
    ]
    for folders, kind, message in wrong:
        with pytest.raises(kind) as caught:
            merge(folders, tmp_path / "out", cache, unwatched)
        assert message in str(caught.value)
        assert not (tmp_path / "out" / "metrics.json").exists()


def edited(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Change a shard's head."""
    head = json.loads((folder / "shard.json").read_text())
    change(head)
    (folder / "shard.json").write_text(json.dumps(head))


def test_damaged_shards_are_refused(asked: Callable[..., RunSpec], cache: Cache, tmp_path: Path) -> None:
    """Lines of another shard, a false share, another schema, and no JSON at all are one message each."""
    sound = shards_of(asked(limit=4), 2, tmp_path / "sound", cache)
    damages: dict[str, Callable[[Path], object]] = {
        "not the file": lambda folder: shutil.copy(sound[0] / "pictures.jsonl", folder),
        "a picture id is there twice": lambda folder: (
            shutil.copytree(sound[0], folder, dirs_exist_ok=True)
            and edited(folder, lambda head: head.update(share=[2, 2]))
        ),
        "of schema 9": lambda folder: edited(folder, lambda head: head.update(schema=9)),
        "takes I/N": lambda folder: edited(folder, lambda head: head.update(share=[3, 2])),
        "damaged shard": lambda folder: (folder / "shard.json").write_text("{"),
    }
    for message, damage in damages.items():
        folder = shutil.copytree(sound[1], tmp_path / "damaged", dirs_exist_ok=True)
        damage(Path(folder))
        with pytest.raises(DetbenchError, match=message):
            merge([sound[0], folder], tmp_path / "out", cache, unwatched)


@pytest.mark.parametrize(("key", "refusal"), [("sha256", "matching regex"), ("arm", "has the arms")])
def test_a_shard_writes_nothing_outside_the_run(
    key: str, refusal: str, asked: Callable[..., RunSpec], cache: Cache, tmp_path: Path
) -> None:
    """A digest or an arm that is a path is refused, signed or not: files are named after nothing else."""
    (folder,) = shards_of(asked(limit=1), 1, tmp_path, cache)
    lines = (folder / "pictures.jsonl").read_text()
    sha256 = json.loads(lines)["blurred"][0]
    forged = {"sha256": (sha256, "../../../canary" + sha256[15:]), "arm": ('"identity"', '"../../canary"')}
    lines = lines.replace(*forged[key])
    (folder / "pictures.jsonl").write_text(lines)
    edited(folder, lambda head: head.update(lines_sha256=hashlib.sha256(lines.encode()).hexdigest()))
    before = set(tmp_path.rglob("*"))
    with pytest.raises(DataError, match=refusal):
        merge([folder], tmp_path / "out", cache, unwatched)
    assert set(tmp_path.rglob("*")) - before <= {tmp_path / "out"}


def test_an_arm_that_failed_in_one_shard_has_failed(tmp_path: Path, cache: Cache, drawn_dataset: Path) -> None:
    """It has no numbers in the whole run, which says why; the others have those of a run without it."""
    (tmp_path / "brittle.py").write_text("def restore(blurred):\n    return 255 - blurred[:240]\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        names = ("identity", "brittle=python:brittle:restore")
        spec = RunSpec(str(drawn_dataset), names, "blobs", "trajectory", device="cpu", resamples=9)
        run(spec, tmp_path / "whole", cache, unwatched)
        merge(shards_of(spec, 2, tmp_path, cache), tmp_path / "merged", cache, unwatched)
    merged, whole = contents(tmp_path / "merged"), contents(tmp_path / "whole")
    assert "brittle" in json.loads(merged["result.json"])["failed"]
    for name in ("metrics.json", "truth.json", "flips.csv", "detections/identity.json"):
        assert merged[name] == whole[name]
    assert not any("brittle" in name for name in merged)


FINDER = """
import numpy as np
from detbench.types import BlurEstimate, Restoration


class Finder:
    def __call__(self, blurred):
        return self.restore(blurred).image

    def restore(self, blurred):
        if blurred.mean() > {above}:
            return Restoration(blurred, None)
        return Restoration(255 - blurred, BlurEstimate(np.full((2, 2, 9, 9), 1 / 81), "linear"))
"""


def test_kernels_that_were_found_reach_the_whole_run(tmp_path: Path, cache: Cache, drawn_dataset: Path) -> None:
    """What a deblurrer found, its likeness to the truth and the pictures of shown kernels are the undivided run's, byte
    for byte, and merging needs nothing but the shards' folders; a picture without a kernel has no light.
    """
    levels = sorted(np.array(PillowImage.open(path)).mean() for path in (drawn_dataset / "images").iterdir())
    (tmp_path / "finder.py").write_text(FINDER.format(above=levels[len(levels) // 2]))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(tmp_path)
        names = ("identity", "finder=python:finder:Finder")
        spec = RunSpec(str(drawn_dataset), names, "blobs", "trajectory", device="cpu", resamples=9)
        run(spec, tmp_path / "whole", cache, unwatched)
        folders = shards_of(spec, 3, tmp_path, cache)
    merge(folders, tmp_path / "merged", Cache(tmp_path / "other-cache"), unwatched)
    whole = contents(tmp_path / "whole")
    assert contents(tmp_path / "merged") == whole
    arms = RunFolder(tmp_path / "merged").read_result().arms
    assert [arm.name for arm in arms if arm.finds_kernel] == ["finder"]
    table = RunFolder(tmp_path / "merged").read_images()
    rows = table[table["arm"] == "finder"]
    found = rows["found_light"] == "linear"
    assert 0 < found.sum() < len(rows) == 12
    assert (rows["found_cells"][found] == 4).all()
    assert rows["true_kernel"].isin(whole).all()
    assert rows["found_kernel"][found].isin(whole).all()
    assert rows["kernel_similarity"][found].between(0, 1).all()
    assert rows.loc[~found, ["found_light", "found_cells", "found_kernel", "kernel_similarity"]].isna().all(axis=None)
    others = table.loc[table["arm"] != "finder", ["found_light", "kernel_similarity", "found_kernel", "true_kernel"]]
    assert others.isna().all(axis=None)
