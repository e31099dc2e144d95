from pathlib import Path

import numpy as np
import pytest

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.opening import looks_like, open_dataset
from detbench.errors import DataError, UsageError
from tests.clips import LABELS, frame_at, write_sequence, write_video


def opened(word: str) -> AnnotatedDataset:
    """The dataset that a word means."""
    dataset = open_dataset(word)
    assert isinstance(dataset, AnnotatedDataset)
    return dataset


def test_a_video_is_its_frames_with_the_boxes_beside_it(tmp_path: Path) -> None:
    """Frames in order, the boxes of clip.txt, the rate of the file, and the objects by their numbers."""
    dataset = opened(str(write_video(tmp_path / "clip.avi", 5)))
    samples = list(dataset)
    assert [sample.id for sample in samples] == [1, 2, 3, 4, 5]
    assert samples[3].blurred.load().shape == (96, 128, 3)
    assert np.abs(samples[3].blurred.load().astype(int) - frame_at(3)).max() <= 2  # through OpenCV's YUV
    assert samples[3].truth.boxes.tolist() == [[20, 10, 44, 34], [52, 60, 76, 84]]
    assert dataset.classes == {1: "red disc", 2: "blue square"}
    assert dataset.timeline is not None
    assert (dataset.timeline.clips, dataset.timeline.fps) == (((1, 2, 3, 4, 5),), 10)
    assert dataset.timeline.tracks == {number: 1 + (number - 1) % 2 for number in range(1, 11)}


def test_an_mp4_is_read_too(tmp_path: Path) -> None:
    """Compressed with MPEG-4: as many frames, at the file's rate, in nearly the same colours."""
    dataset = opened(str(write_video(tmp_path / "clip.mp4", 12, fps=29.97, codec="mp4v")))
    frames = [sample.blurred.load() for sample in dataset]
    assert len(frames) == 12
    assert np.abs(frames[11].astype(int) - frame_at(11)).mean() < 6
    assert dataset.timeline is not None
    assert dataset.timeline.fps == pytest.approx(29.97, abs=0.01)


def test_unpacked_frames_go_with_the_dataset(tmp_path: Path) -> None:
    """The temporary folder is there for as long as the dataset, and no longer."""
    dataset = opened(str(write_video(tmp_path / "clip.avi", 2)))
    (first, _) = dataset.found.blurred.values()
    assert first.is_file()
    del dataset
    assert not first.exists()


def test_a_sequence_is_read_as_the_video_is(tmp_path: Path) -> None:
    """MOTChallenge's layout is recognised, and has the same boxes and rate."""
    folder = write_sequence(tmp_path / "sequence", 3, fps=25)
    assert looks_like(folder) == "video"
    dataset = opened(str(folder))
    assert [sample.file_name for sample in dataset] == ["000001.png", "000002.png", "000003.png"]
    assert [len(sample.truth) for sample in dataset] == [2, 2, 2]
    assert dataset.timeline is not None
    assert dataset.timeline.fps == 25


def test_a_folder_of_frames_needs_its_prefix(tmp_path: Path) -> None:
    """video: says that pictures in a folder are frames, which then have neither boxes nor rate; without it they are
    pictures.
    """
    frames = write_sequence(tmp_path / "sequence", 12, with_truth=False) / "img1"
    for place in (1, 2, 10):
        (frames / f"{place:06d}.png").rename(frames / f"f{place}.png")
    assert getattr(open_dataset(str(frames)), "timeline", None) is None
    dataset = opened(f"video:{frames}")
    assert [sample.file_name for sample in dataset][-3:] == ["f1.png", "f2.png", "f10.png"]
    assert dataset.classes == {}
    assert dataset.timeline is not None
    assert dataset.timeline.fps is None


def test_frames_may_have_sharp_twins(tmp_path: Path) -> None:
    """Below a folder of pairs, the blurred ones are the clip."""
    for name in ("sharp", "blur"):
        write_sequence(tmp_path / name, 2, with_truth=False)
        for file in (tmp_path / name / "img1").iterdir():
            file.rename(tmp_path / name / file.name)
        (tmp_path / name / "img1").rmdir()
        (tmp_path / name / "seqinfo.ini").unlink()
    assert [sample.sharp is not None for sample in opened(f"video:{tmp_path}")] == [True, True]


def test_a_clip_has_no_parts_and_no_empty_folder(tmp_path: Path) -> None:
    """What names a part, or has no frames, is refused with what to do."""
    video = write_video(tmp_path / "clip.avi", 2)
    with pytest.raises(UsageError, match="a clip has no parts, and #val names one"):
        open_dataset(f"{video}#val")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no frames; name a video file"):
        open_dataset(f"video:{tmp_path / 'empty'}")


def test_labels_name_the_classes(tmp_path: Path) -> None:
    """labels.txt beside the boxes gives the names, in the order of the class numbers."""
    assert LABELS.splitlines() == list(opened(str(write_video(tmp_path / "clip.avi", 1))).classes.values())
