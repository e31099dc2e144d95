from detbench.training.data.crop_sizes import CropSizes, CropStage

SIZES = CropSizes((CropStage(0, 128, 12), CropStage(35, 192, 6), CropStage(75, 256, 3)))


def test_a_stage_begins_with_its_first_batch() -> None:
    """Batches 34 and 35, 74 and 75 are on either side of a step."""
    assert [SIZES.stage(batch).crop_px for batch in (0, 34, 35, 74, 75, 10_000)] == [128, 128, 192, 192, 256, 256]


def test_every_crop_has_a_number_of_its_own() -> None:
    """Batches hold 12, 6 or 3 crops; no number comes twice, and each knows the side of its batch."""
    numbers = [number for batch in range(100) for number in SIZES.crops(batch)]
    assert len(numbers) == len(set(numbers)) == 35 * 12 + 40 * 6 + 25 * 3
    for batch in (34, 35, 74, 75, 99):
        assert {SIZES.crop_px(number) for number in SIZES.crops(batch)} == {SIZES.stage(batch).crop_px}


def test_one_size_numbers_crops_in_a_row() -> None:
    """Batch b holds the crops batch·b … batch·(b + 1) - 1."""
    assert list(CropSizes((CropStage(0, 64, 4),)).crops(3)) == [12, 13, 14, 15]
