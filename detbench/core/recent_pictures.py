"""Pictures that were decoded last: the steps that a picture goes through read it many times, one after the other."""

from collections import OrderedDict

from detbench.types import Image, Picture

MOST_BYTES = 64 * 2**20
"""Some seventy pictures of 640×480, or two of 12 megapixels; a larger one is decoded each time."""


class RecentPictures:
    """Decoded pictures by their digest, the latest ones that fit into `most_bytes`."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes, self._bytes = most_bytes, 0
        self._images: OrderedDict[str, Image] = OrderedDict()

    def load(self, picture: Picture) -> Image:
        """The picture, (H, W, 3), which is not to be written to; raises what `picture.load` raises."""
        kept = self._images.get(picture.sha256)
        if kept is None:
            return self.keep(picture.sha256, picture.load())
        self._images.move_to_end(picture.sha256)
        return kept

    def keep(self, sha256: str, image: Image) -> Image:
        """Take a picture that is decoded already, which is not written to any more, and give it back; the oldest ones
        make room for it.
        """
        image.flags.writeable = False
        if image.nbytes <= self._most_bytes and sha256 not in self._images:
            self._images[sha256] = image
            self._bytes += image.nbytes
            while self._bytes > self._most_bytes:
                self._bytes -= self._images.popitem(last=False)[1].nbytes
        return image
