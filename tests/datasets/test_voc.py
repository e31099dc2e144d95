from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image as PillowImage

from detbench.datasets.annotated import AnnotatedDataset
from detbench.datasets.voc import holds_voc, read_voc
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
        (
            SIZE + BUS.replace("<name>", "<name>car</name><name>"),
            r"object 1 \(car\): has 2 <name>; give each object one",
        ),
        (SIZE + BUS.replace("</object>", "<bndbox/></object>"), "has 2 <bndbox>; give each object one"),
        (
            SIZE + BUS.replace("<name>", "<difficult>maybe</difficult><name>"),
            "<difficult> is 'maybe'; it must be 0 or 1",
        ),
        (
            f"{SIZE}<objects>{BUS}</objects>",
            "<objects> is none of VOC's; it must be <object>, directly in <annotation>",
        ),
        (SIZE + BUS.replace("object>", "Object>"), "<Object> is none of VOC's"),
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


@pytest.mark.parametrize(
    "size",
    ["", "<size/>", SIZE.replace("40", "0").replace("20", "0"), "<size><width></width><height> </height></size>"],
)
def test_a_size_that_is_absent_is_the_pictures(folder: Path, size: str) -> None:
    """For labelImg's 0x0, and for no size at all, the picture's stands in: the boxes are the same, as a note says."""
    expected = [sample.truth.boxes.tolist() for sample in read(folder)]
    rewrite(folder, size + BUS + CAR)
    dataset = read(folder)
    assert [sample.truth.boxes.tolist() for sample in dataset] == expected
    assert dataset.notes == (
        "1 of 2 XML files have no size or 0x0 (first that of a.jpg): it is taken from the picture",
    )
    rewrite(folder, size + BUS.replace(">40<", ">60<"))
    refused(folder, "reaches 20 px out of its 40x20 picture")


def test_no_size_of_a_picture_that_exif_turns(folder: Path) -> None:
    """Which way round its boxes are cannot be known, so the size is needed."""
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    PillowImage.new("RGB", (20, 40)).save(folder / "JPEGImages" / "a.jpg", exif=exif)
    rewrite(folder, BUS)
    refused(folder, r"a\.jpg: EXIF turns it and its XML has no <size>.*add the <size>")


def test_what_labelling_tools_add_does_not_matter(folder: Path) -> None:
    """Spaces around a class, corners in another order, parts with boxes of their own: the box is the object's."""
    expected = [(s.truth.boxes.tolist(), s.truth.crowd.tolist()) for s in read(folder)]
    part = "<part><name>wheel</name><bndbox><xmin>2</xmin><ymin>4</ymin><xmax>5</xmax><ymax>8</ymax></bndbox></part>"
    bus = (
        f"<object>{part}<pose>Left</pose><truncated>1</truncated><occluded>1</occluded><name>\n  bus </name>"
        "<bndbox><ymax>10.5</ymax><xmax>40.0</xmax><ymin>3</ymin><xmin> 1 </xmin></bndbox>"
        "<difficult></difficult></object>"
    )
    rewrite(folder, SIZE + bus + CAR.replace(">1</difficult>", "> True </difficult>"))
    dataset = read(folder)
    assert [(s.truth.boxes.tolist(), s.truth.crowd.tolist()) for s in dataset] == expected
    assert dataset.classes == {1: "bus", 2: "car"}


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "电车"),
        ("utf-8-sig", "电车"),
        ("utf-16", "电车"),
        ("GBK", "电车"),
        ("GB2312", "电车"),
        ("big5", "電車"),
        ("shift_jis", "電車"),
        ("euc-kr", "전차"),
        ("iso-8859-1", "Straße"),
        ("windows-1251", "трамвай"),
        ("koi8-r", "трамвай"),
    ],
)
def test_any_declared_encoding_is_read(folder: Path, encoding: str, name: str) -> None:
    """XML in the encodings of China, Japan, Korea and Russia, and of Windows' editors, keeps its classes' names."""
    head = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>'
    text = f"{head}\n<annotation>{SIZE}{BUS.replace('bus', name)}</annotation>"
    (folder / "Annotations" / "a.xml").write_bytes(text.encode(encoding))
    assert read(folder).classes == {1: name}


def test_an_unknown_encoding_is_named(folder: Path) -> None:
    """An encoding that Python does not know, and bytes that are not in the declared one, are refused."""
    path = folder / "Annotations" / "a.xml"
    path.write_bytes(b'<?xml version="1.0" encoding="klingon"?><annotation/>')
    refused(folder, r"a\.xml: not XML \(unknown encoding: klingon\)")
    path.write_bytes('<?xml version="1.0" encoding="utf-8"?><annotation>电车</annotation>'.encode("gbk"))
    refused(folder, r"a\.xml: not XML")


def test_hidden_files_are_none(folder: Path) -> None:
    """What macOS and editors hide among the XML files is no annotation, and makes no folder one of VOC's."""
    for name in ("Annotations/._a.xml", "Annotations/sub/._b.xml", "Annotations/.old/a.xml", "JPEGImages/._a.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"\x00\x05\x16\x07")
    dataset = read(folder)
    assert ([sample.file_name for sample in dataset], dataset.notes) == (["a.jpg", "sub/b.png"], ())
    assert holds_voc(folder)
    (folder / "Annotations" / "a.xml").unlink()
    (folder / "Annotations" / "sub" / "b.xml").unlink()
    assert not holds_voc(folder)


def test_the_case_of_macos_zips(shared_file: Callable[[str], Path]) -> None:
    """Six photos with their 34 boxes are read beside six hidden files of the same names."""
    dataset = read(shared_file("cases/mac-appledouble/cmd.sh").parent / "voc")
    assert (len(dataset), len(dataset.found.records.annotations)) == (6, 34)


@pytest.mark.parametrize("case", ["a", "b"])
def test_the_cases_of_labelimg(shared_file: Callable[[str], Path], case: str) -> None:
    """One of six XML files without its size: 34 boxes and a note."""
    dataset = read(shared_file("cases/voc-size0/cmd.sh").parent / case)
    assert sum(len(sample.truth) for sample in dataset) == 34
    assert dataset.notes[0].startswith("1 of 6 XML files have no size or 0x0 (first that of 000000000785.jpg)")


def test_pictures_without_xml_are_noted(folder: Path) -> None:
    """A picture that no XML is of is no part of the dataset, and that is said."""
    PillowImage.new("RGB", (40, 20)).save(folder / "JPEGImages" / "sub" / "c.png")
    dataset = read(folder)
    assert len(dataset) == 2
    assert dataset.notes == ("1 pictures have no XML file and are left out (first sub/c.png)",)


def test_twins_are_kept_and_noted(folder: Path) -> None:
    """An object that stands there twice is two boxes, as for COCO's scorer; a note says how many."""
    rewrite(folder, SIZE + BUS + BUS + CAR)
    dataset = read(folder)
    assert len(next(iter(dataset)).truth) == 3
    assert dataset.notes == ("1 boxes repeat another of their class (first in a.jpg): all count, as for COCO's scorer",)


def test_two_pictures_of_one_stem(folder: Path) -> None:
    """a.jpg beside a.png may both be the picture of a.xml: its <filename> says which, else that is refused."""
    PillowImage.new("RGB", (40, 20), "red").save(folder / "JPEGImages" / "a.png")
    refused(folder, r"a\.xml: its picture may be a\.jpg or a\.png in .*JPEGImages; say which by <filename>")
    rewrite(folder, f"<filename>a.png</filename>{SIZE}{BUS}")
    assert next(iter(read(folder))).file_name == "a.png"


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
