"""The JSON text of a document in pieces: all of a large one at once takes many times the memory of its numbers.

A document's values may be iterators of records; any other value is written whole.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def canonical_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """The text that equal values share: sorted keys, no spaces, no NaN."""
    encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
    return _pieces({key: document[key] for key in sorted(document)}, encode, ("", "", ":"))


def indented_pieces(document: Mapping[str, Any]) -> Iterator[str]:
    """The text for readers: keys in the order given, one space for each level."""
    encode = json.JSONEncoder(indent=1, allow_nan=False).encode
    return _pieces(document, encode, ("\n ", "\n", ": "))


def _pieces(
    document: Mapping[str, Any], encode: Callable[[Any], str], separators: tuple[str, str, str]
) -> Iterator[str]:
    """`separators` stand before a key, before the end, and between a key and its value."""
    before, end, colon = separators
    yield "{"
    for place, (key, value) in enumerate(document.items()):
        yield f"{',' if place else ''}{before}{encode(key)}{colon}"
        if isinstance(value, Iterator):
            yield from _records(value, encode, before)
        else:
            yield encode(value).replace("\n", before)
    yield f"{end}}}" if document else "}"


def _records(records: Iterator[Any], encode: Callable[[Any], str], before: str) -> Iterator[str]:
    inner = before and f"{before} "
    mark = "["
    for record in records:
        yield mark + inner + encode(record).replace("\n", inner)
        mark = ","
    yield "[]" if mark == "[" else f"{before}]"
