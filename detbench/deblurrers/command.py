"""Any program that reads a picture and writes one, run once per picture, without a shell."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from detbench.core.images import encode_png, read_image
from detbench.errors import BackendError, DataError
from detbench.types import Image

MAX_OUTPUT_CHARACTERS = 2000
"""The most characters of a program's output that an error message repeats."""


COMMAND_TIMEOUT_S = 300
"""How long a program may take for one picture by default."""


class CommandDeblurrer:
    """`words` are the program and its arguments; `{input}` and `{output}` in them become the paths of two PNG files.

    Raises BackendError for a picture where the program takes longer than `seconds`, exits with another code
    than 0, or leaves no picture of the same size. Its start counts as time of restoration.
    """

    def __init__(self, words: Sequence[str], seconds: float = COMMAND_TIMEOUT_S) -> None:
        self.words = tuple(words)
        self.seconds = seconds

    def __call__(self, blurred: Image) -> Image:
        """Shape (H, W, 3) in and out."""
        with tempfile.TemporaryDirectory(prefix="detbench-") as folder:
            given, made = Path(folder) / "input.png", Path(folder) / "output.png"
            given.write_bytes(encode_png(blurred))
            self._run(given, made)
            return self._checked(made, blurred)

    def _run(self, given: Path, made: Path) -> None:
        words = [word.replace("{input}", str(given)).replace("{output}", str(made)) for word in self.words]
        try:
            done = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=self.seconds, check=False
            )
        except subprocess.TimeoutExpired:
            raise BackendError(
                f"{self.words[0]} took longer than {self.seconds:g} s for a picture and was stopped; give it more with "
                f"--timeout {2 * self.seconds:g}, or it alone with command:'timeout={2 * self.seconds:g} …'"
            ) from None
        except OSError as error:
            raise BackendError(f"{self.words[0]} cannot be run: {error.strerror}") from error
        if done.returncode:
            output = (done.stderr or done.stdout).decode(errors="replace").strip()[-MAX_OUTPUT_CHARACTERS:]
            raise BackendError(
                f"{self.words[0]} failed with exit code {done.returncode}: {output or 'it printed nothing'}"
            )

    def _checked(self, made: Path, blurred: Image) -> Image:
        if not made.is_file():
            raise BackendError(
                f"{self.words[0]} exited with 0 but wrote nothing to {{output}}; does it name its own file?"
            )
        try:
            restored = read_image(made)
        except DataError as error:
            raise BackendError(f"{self.words[0]} wrote no picture to {{output}}: {error}") from error
        if restored.shape != blurred.shape:
            raise BackendError(
                f"{self.words[0]} made {restored.shape[1]}x{restored.shape[0]} pixels of "
                f"{blurred.shape[1]}x{blurred.shape[0]}; a deblurrer keeps the size"
            )
        return restored
