"""Arms: the ways in which a picture reaches the detector."""

from dataclasses import dataclass
from typing import Literal

ArmKind = Literal["sharp", "blurred", "deblurrer"]


@dataclass(frozen=True)
class Arm:
    """The sharp or the blurred picture, as it is (`deblurrer` None) or restored by the deblurrer of that name.

    A deblurrer on sharp pictures is run to see whether it does harm there, on a sample of them by default; it has no
    result of its own.
    """

    picture: Literal["sharp", "blurred"]
    deblurrer: str | None = None

    @classmethod
    def named(cls, name: str) -> "Arm":
        """The inverse of `name`."""
        picture, separator, deblurrer = name.partition("+")
        if separator and picture == "sharp":
            return cls("sharp", deblurrer)
        return {"sharp": SHARP, "blurred": BLURRED}.get(name) or cls("blurred", name)

    @property
    def name(self) -> str:
        """What files, records and messages call it: `sharp`, `blurred`, DEBLURRER or `sharp+DEBLURRER`."""
        if self.deblurrer is None:
            return self.picture
        return f"sharp+{self.deblurrer}" if self.picture == "sharp" else self.deblurrer

    @property
    def kind(self) -> ArmKind:
        """What it is in a result."""
        return self.picture if self.deblurrer is None else "deblurrer"

    @property
    def is_restored_blurred(self) -> bool:
        """Whether it is a deblurrer on blurred pictures, the arm of its name."""
        return self.deblurrer is not None and self.picture == "blurred"

    @property
    def is_on_sharp(self) -> bool:
        """Whether it is a deblurrer on sharp pictures."""
        return self.deblurrer is not None and self.picture == "sharp"

    @property
    def on_sharp(self) -> "Arm":
        """The same deblurrer on sharp pictures."""
        return Arm("sharp", self.deblurrer)

    def __str__(self) -> str:
        return self.name


SHARP, BLURRED = Arm("sharp"), Arm("blurred")
