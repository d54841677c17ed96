"""Tables of a workspace, row by row."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import TypeVar

from curation.records import Record
from curation.store import part_rows
from curation.workspace import Workspace

R = TypeVar("R", bound=Record)


def parts(record: type[Record], folder: Path) -> list[Path]:
    """The files of a table."""
    return sorted((folder / record.about.name).glob("*.parquet"))


def stream(record: type[R], workspace: Workspace, keep: Callable[[R], bool] | None = None) -> Iterator[R]:
    """Rows of a table, one at a time; the table may be missing."""
    files = parts(record, workspace.tables(record.about.stage))
    return filter(keep, chain.from_iterable(part_rows(record, part) for part in files))


def grouped(rows: Iterable[R], key: Callable[[R], str]) -> dict[str, list[R]]:
    """Rows by their key."""
    groups: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups
