"""Formats of datasets that installed packages read, found by their entry points.

Their code is another package's, so whatever it raises becomes one message that names the format and the path.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from detbench.datasets.annotated import AnnotatedDataset
from detbench.errors import DataError, DetbenchError
from detbench.plugins.registry import Entry
from detbench.types import Dataset, DatasetFormat, Sample


@dataclass(frozen=True)
class InstalledFormat:
    """A format by the name and the code of its entry point."""

    entry: Entry
    code: DatasetFormat

    def recognises(self, path: Path) -> bool:
        """Whether a file or folder is of this format; raises DataError where the format's code fails."""
        with self.named_errors(path):
            return bool(self.code.recognises(path))

    def open(self, path: Path, split: str | None) -> Dataset:
        """The dataset at a path, or its part `split`; raises DataError where the format's code fails, now or later."""
        with self.named_errors(path):
            dataset = self.code(path, split)
        return dataset if isinstance(dataset, AnnotatedDataset) else _ForeignDataset(dataset, self, path)

    @contextmanager
    def named_errors(self, path: Path) -> Iterator[None]:
        """Turn what the format's code raises into a DataError; errors that detbench raises on purpose stay."""
        try:
            yield
        except DetbenchError:
            raise
        except Exception as error:
            raise DataError(
                f"{path}: the format {self.entry.name} ({self.entry.target}) fails on it: "
                f"{type(error).__name__}: {error}; correct the dataset, or name another format in front (FORMAT:PATH)"
            ) from error


class _ForeignDataset:
    """A dataset of another package's class, whose errors name the format too."""

    def __init__(self, dataset: Dataset, form: InstalledFormat, path: Path) -> None:
        self._dataset, self._form, self._path = dataset, form, path

    @property
    def name(self) -> str:
        with self._form.named_errors(self._path):
            return self._dataset.name

    @property
    def fingerprint(self) -> str:
        with self._form.named_errors(self._path):
            return self._dataset.fingerprint

    @property
    def classes(self) -> Mapping[int, str]:
        with self._form.named_errors(self._path):
            return self._dataset.classes

    @property
    def notes(self) -> tuple[str, ...]:
        with self._form.named_errors(self._path):
            return tuple(getattr(self._dataset, "notes", ()))

    def __len__(self) -> int:
        with self._form.named_errors(self._path):
            return len(self._dataset)

    def __iter__(self) -> Iterator[Sample]:
        with self._form.named_errors(self._path):
            yield from self._dataset


def installed_format(entry: Entry) -> InstalledFormat | None:
    """The format that an entry point names, None where it names a dataset; raises BackendError where the import fails.

    A format is imported and not built: a class of datasets is built anew for each path.
    """
    code = entry.import_target()
    return InstalledFormat(entry, code) if isinstance(code, DatasetFormat) else None


def formats_that_recognise(path: Path, entries: Iterable[Entry]) -> list[str]:
    """Names of the formats, among these entry points, that recognise what lies at a path."""
    found = [installed_format(entry) for entry in entries]
    return [form.entry.name for form in found if form is not None and form.recognises(path)]
