import pytest

from detbench.core.arm import BLURRED, SHARP, Arm

NET = Arm("blurred", "net")


@pytest.mark.parametrize(
    ("arm", "name"), [(SHARP, "sharp"), (BLURRED, "blurred"), (NET, "net"), (NET.on_sharp, "sharp+net")]
)
def test_a_name_is_an_arm(arm: Arm, name: str) -> None:
    """Files and records name an arm by one word, and the word gives the arm back."""
    assert (arm.name, str(arm), Arm.named(name)) == (name, name, arm)


def test_a_deblurrer_is_one_arm_on_each_kind_of_picture() -> None:
    """On blurred pictures it has a result, on sharp ones it only shows its harm; the plain pictures are neither."""
    assert [arm.is_restored_blurred for arm in (SHARP, BLURRED, NET, NET.on_sharp)] == [False, False, True, False]
    assert [arm.is_on_sharp for arm in (SHARP, BLURRED, NET, NET.on_sharp)] == [False, False, False, True]
    assert [arm.kind for arm in (SHARP, BLURRED, NET)] == ["sharp", "blurred", "deblurrer"]
