"""Columns on disk that are read where they lie: plain little-endian arrays and strings, memory-mapped.

A column of numbers is one file; one of strings is two: the bytes, and where each string ends.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError


class Strings:
    """A column of strings, each read from disk when asked for."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open; raises InputError if the column is not there."""
        self._bytes = read_numbers(folder, f"{name}.bytes", np.uint8)
        self._ends = read_numbers(folder, f"{name}.ends", np.uint64)
        if len(self._bytes) != (self._ends[-1] if len(self._ends) else 0):
            raise InputError(f"the column {name} was cut: expected as many bytes as its ends say: build it again")

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, position: int) -> str:
        start = int(self._ends[position - 1]) if position else 0
        return self._bytes[start : int(self._ends[position])].tobytes().decode()

    def batches(self, size: int) -> Iterator[tuple[int, list[str]]]:
        """All strings in order, many at once: the position of the first, and they."""
        start = 0
        for first in range(0, len(self), size):
            ends = self._ends[first : first + size].tolist()
            block = self._bytes[start : ends[-1]].tobytes()
            yield first, [block[a - start : b - start].decode() for a, b in zip([start, *ends[:-1]], ends, strict=True)]
            start = ends[-1]


class StringsWriter:
    """Appends strings to a column."""

    def __init__(self, folder: Path, name: str) -> None:
        self._paths = (folder / f"{name}.bytes", folder / f"{name}.ends")
        self._end = 0
        for path in self._paths:
            path.write_bytes(b"")

    def add(self, strings: Sequence[str]) -> None:
        """Append."""
        encoded = [string.encode() for string in strings]
        ends = np.cumsum(np.fromiter(map(len, encoded), np.uint64, len(encoded)), dtype=np.uint64) + np.uint64(
            self._end
        )
        self._end += sum(map(len, encoded))
        for path, data in zip(self._paths, (b"".join(encoded), ends.tobytes()), strict=True):
            with path.open("ab") as file:
                file.write(data)


def write_numbers(folder: Path, name: str, numbers: NDArray[Any]) -> None:
    """Write a whole column of numbers."""
    (folder / name).write_bytes(b"")
    add_numbers(folder, name, numbers)


def add_numbers(folder: Path, name: str, numbers: NDArray[Any]) -> None:
    """Append to a column of numbers."""
    with (folder / name).open("ab") as file:
        file.write(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).tobytes())


def read_numbers(folder: Path, name: str, kind: type[np.generic]) -> NDArray[Any]:
    """A column of numbers as it lies on disk; raises InputError if it is not there or was cut."""
    path, dtype = folder / name, np.dtype(kind).newbyteorder("<")
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"expected the column {name} in the folder, found none: build it again") from None
    if size % dtype.itemsize:
        raise InputError(f"the column {name} was cut: expected a multiple of {dtype.itemsize} bytes, got {size:,}")
    return np.memmap(path, dtype, "r").view(np.ndarray) if size else np.empty(0, dtype)
