from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.voc import read_voc
from detbench.errors import DataError

BUS = "<object><name>bus</name><bndbox><xmin>1</xmin><ymin>3</ymin><xmax>40</xmax><ymax>10.5</ymax></bndbox></object>"
CAR = (
    "<object><name>car</name><difficult>1</difficult>"
    "<bndbox><xmin>5</xmin><ymin>5</ymin><xmax>5</xmax><ymax>6</ymax></bndbox></object>"
)
SIZE = "<size><width>40</width><height>20</height><depth>3</depth></size>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures of 40x20 pixels, the first with a bus and a difficult car, the second empty."""
    for name in ("a.jpg", "sub/b.png"):
        path = tmp_path / "JPEGImages" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        PillowImage.new("RGB", (40, 20)).save(path)
    rewrite(tmp_path, SIZE + BUS + CAR)
    rewrite(tmp_path, SIZE, "sub/b")
    return tmp_path


def rewrite(folder: Path, body: str, stem: str = "a") -> None:
    """Write the XML of a picture."""
    path = folder / "Annotations" / f"{stem}.xml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"<annotation>{body}</annotation>")


def read(folder: Path, split: str | None = None, first_pixel: int = 1) -> AnnotatedDataset:
    """The dataset in a folder."""
    return AnnotatedDataset("mine", read_voc(folder, split, first_pixel=first_pixel))


def refused(folder: Path, words: str) -> None:
    """Hold that reading ends with one message that `words` (a pattern) describe."""
    with pytest.raises(DataError, match=words):
        read(folder)


def test_pixels_from_1_become_corners(folder: Path) -> None:
    """A box from the first to the last pixel spans the picture, and one pixel is 1 wide; difficult is a crowd."""
    dataset = read(folder)
    first, second = dataset
    assert dataset.classes == {1: "bus", 2: "car"}
    assert [sample.file_name for sample in (first, second)] == ["a.jpg", "sub/b.png"]
    assert first.truth.boxes.tolist() == [[0, 2, 40, 10.5], [4, 4, 5, 6]]
    assert first.truth.crowd.tolist() == [False, True]
    assert len(second.truth) == 0


def test_corners_from_0(folder: Path) -> None:
    """Datasets that count from 0 are refused as VOC and read as what they are."""
    rewrite(folder, SIZE + BUS.replace("<xmin>1<", "<xmin>0<"))
    refused(folder, r"Annotations: a\.xml, object 1 \(bus\): xmin is 0, but VOC counts pixels from 1; .*voc0:FOLDER")
    assert next(iter(read(folder, first_pixel=0))).truth.boxes.tolist() == [[0, 3, 40, 10.5]]


def test_a_split_lists_names(folder: Path) -> None:
    """ImageSets/Main names the pictures of a split, in its order; another name, or a missing XML, is an error."""
    lists = folder / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a\n")
    with pytest.raises(DataError, match=r"test\.txt: no such split; there are: val"):
        read(folder, "test")
    (lists / "val.txt").write_text("a\nc\n")
    with pytest.raises(DataError, match=r"val\.txt: lists c, but .*Annotations has no XML"):
        read(folder, "val")
    (lists / "val.txt").write_text("a\n")
    assert [sample.file_name for sample in read(folder, "val")] == ["a.jpg"]


def test_pictures_beside_the_xml(folder: Path, tmp_path: Path) -> None:
    """XML files among the pictures, as annotation tools write them, are a dataset too."""
    heap = tmp_path / "heap"
    heap.mkdir()
    (folder / "JPEGImages" / "a.jpg").rename(heap / "a.JPG")
    (folder / "Annotations" / "a.xml").rename(heap / "a.xml")
    assert [sample.file_name for sample in read(heap)] == ["a.JPG"]


def test_the_xmls_own_name_goes_first(folder: Path) -> None:
    """A stale <filename> does not matter where the picture is called as the XML is; it is used where it is not."""
    rewrite(folder, f"<filename>C:\\photos\\old name.jpeg</filename>{SIZE}{BUS}")
    assert next(iter(read(folder))).file_name == "a.jpg"
    (folder / "JPEGImages" / "a.jpg").rename(folder / "JPEGImages" / "old name.jpeg")
    assert next(iter(read(folder))).file_name == "old name.jpeg"
    (folder / "JPEGImages" / "old name.jpeg").unlink()
    refused(folder, r"a\.xml: no picture is called a in .*JPEGImages, nor as its <filename> 'old name\.jpeg'")


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE annotation [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE annotation [<!ENTITY x "ha"><!ENTITY y "&x;&x;">]>',
        '<!DOCTYPE annotation SYSTEM "file:///etc/passwd">',
    ],
)
def test_entities_are_refused(folder: Path, head: str) -> None:
    """No entity is expanded and nothing outside the file is read."""
    path = folder / "Annotations" / "a.xml"
    path.write_text(f"{head}<annotation>{SIZE}</annotation>")
    refused(folder, r"a\.xml: has a document type or entities")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("<size><width>40</width></size>" + BUS, r"a\.xml: has no <size><height>; add it"),
        (SIZE.replace("40", "0") + BUS, "size is 0x20; give the picture's width"),
        (SIZE + "<object></object>", r"object 1 \(no name\): has no <name>"),
        (SIZE + BUS.replace("ymax", "ymaks"), "has no <bndbox><ymax>; add it"),
        (SIZE + BUS.replace("10.5", "ten"), "<bndbox><ymax> is 'ten'; it must be a number"),
        (SIZE + BUS.replace("10.5", "inf"), "is 'inf'; it must be a number"),
        (SIZE + BUS.replace(">40<", ">0<"), "xmax and ymax must be the larger ones"),
        (SIZE + BUS.replace(">40<", ">60<"), "reaches 20 px out of its 40x20 picture; correct the <size>"),
        (SIZE.replace("40", "48") + BUS, "40x20 pixels, but Annotations says 48x20"),
        (SIZE.replace("40", "20", 1).replace("20</height>", "40</height>") + CAR, "EXIF"),
    ],
)
def test_faults_of_an_xml(folder: Path, body: str, words: str) -> None:
    """What is wrong in an XML file is named with the file, the object and the mend."""
    rewrite(folder, body)
    with pytest.raises(DataError, match=words):
        list(read(folder))


def test_what_is_no_voc(folder: Path) -> None:
    """Text that is no XML, XML of another kind, and a folder without XML say so."""
    rewrite(folder, "<size>")
    refused(folder, r"a\.xml: not XML")
    (folder / "Annotations" / "a.xml").write_text("<html/>")
    refused(folder, r"a\.xml: begins with <html>; a VOC file begins with <annotation>")
    refused(folder / "JPEGImages", "holds no XML file")


def test_the_fingerprint_follows_every_part(folder: Path) -> None:
    """Annotations, pictures and what coordinates count from each change the fingerprint."""
    seen = [read(folder).fingerprint]
    rewrite(folder, SIZE + BUS)
    seen += [read(folder).fingerprint, read(folder, first_pixel=0).fingerprint]
    PillowImage.new("RGB", (40, 20), "red").save(folder / "JPEGImages" / "a.jpg")
    seen.append(read(folder).fingerprint)
    assert len(set(seen)) == 4
