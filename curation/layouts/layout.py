"""What a layout is, and how its files come to be: all of them or none."""

import csv
import gzip
import io
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from PIL import Image

from curation.errors import UsageError
from curation.release.opened import Opened
from curation.store import sync_folder

File = tuple[str, bytes]
"""Where a file lies in the layout, and what is in it."""
STRENGTH = {1: 0, -1: 1, 0: 2, None: 3}
"""Of several states the first of these stands, as in the ``classification`` recipe."""


@dataclass(frozen=True)
class Layout:
    """A way to lay out files that public programs know."""

    name: str
    recipes: tuple[str, ...]
    """Whose releases it can be written from."""
    about: str
    """What differs from the published dataset; lies beside the files as paxflow.txt."""
    files: Callable[[Opened], Iterator[File]]

    def write(self, release: Opened, out: Path) -> int:
        """Write all files into ``out``, a new or empty folder; returns how many.

        Raises UsageError if the release is of another recipe, or if ``out`` holds something or lies in the release.
        """
        if release.recipe not in self.recipes:
            raise UsageError(
                f"the layout {self.name} is written from {' or '.join(self.recipes)}, not {release.recipe}"
            )
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UsageError(f"{out} is not empty: give a new folder")
        if release.folder.resolve() in out.resolve().parents:
            raise UsageError(f"{out} lies in the release itself: give a folder outside it")
        making = out.with_name(f"{out.name}.tmp")
        shutil.rmtree(making, ignore_errors=True)
        count = 0
        for path, data in chain(self.files(release), [("paxflow.txt", self.about.encode())]):
            place = making / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
            count += 1
        if out.exists():
            out.rmdir()
        making.replace(out)
        sync_folder(out.resolve().parent)
        return count


def csv_file(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """None is an empty field."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def gzipped(data: bytes) -> bytes:
    """No time in the header."""
    return gzip.compress(data, mtime=0)


def picture(release: Opened, row: Mapping[str, Any]) -> Image.Image:
    """The PNG of a row of ``images``, opened."""
    return Image.open(io.BytesIO(release.picture(row)))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def images_of(release: Opened) -> list[dict[str, Any]]:
    """The rows of ``images``, in the order in which they lie in the shards."""
    return release.table("images").sort("shard", "offset").to_dicts()
