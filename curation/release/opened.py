"""A release as it lies in a folder, built here or pulled: its tables as Polars frames, its documents, its pictures."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from curation.errors import InputError
from curation.records import TABLES, Record
from curation.store import read_member

CHECKSUMS = "CHECKSUMS.sha256"
PROVENANCE = "provenance.json"


@dataclass
class Opened:
    """Reads each table once."""

    folder: Path
    answers: Path | None = None
    """Where the answers of a hidden test lie; None if they are not at hand."""
    _frames: dict[str, pl.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.folder / CHECKSUMS).is_file() and not (self.folder / PROVENANCE).is_file():
            raise InputError(f"there is no release in {self.folder.name}: build it with `paxflow release build`")

    @property
    def recipe(self) -> str:
        """The recipe that it was built with."""
        return str(self.provenance["recipe"])

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """What it was made from and with."""
        made: Mapping[str, Any] = self.document(PROVENANCE)
        return made

    @property
    def settings(self) -> Mapping[str, Any]:
        """The recipe's own section of ``params.yaml`` as it was."""
        section: Mapping[str, Any] = self.provenance["parameters"]["recipe"]
        return section

    @property
    def names(self) -> tuple[str, ...]:
        """Its tables, in the order of the alphabet."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.parquet")))

    def table(self, name: str) -> pl.DataFrame:
        """A table, rows in order of their key; raises InputError if the release has none of that name."""
        if name not in self._frames:
            path = self.folder / f"{name}.parquet"
            if not path.is_file():
                raise InputError(f"the release in {self.folder.name} has no table '{name}'")
            self._frames[name] = pl.read_parquet(path, glob=False)
        return self._frames[name]

    def whole(self, name: str) -> pl.DataFrame:
        """A table, with its rows of a hidden test after the others where the answers are at hand."""
        apart = self.answers / f"{name}.parquet" if self.answers else None
        if apart is None or not apart.is_file():
            return self.table(name)
        return pl.concat([self.table(name), pl.read_parquet(apart, glob=False)])

    def record(self, name: str) -> type[Record]:
        """What the rows of a table are; raises InputError if provenance does not say so."""
        made = self.provenance["tables"].get(name, {}).get("record")
        if made not in TABLES:
            raise InputError(f"{PROVENANCE} does not say what the rows of '{name}' are")
        return TABLES[made]

    def document(self, path: str) -> Any:
        """A JSON document by its path in the release."""
        return json.loads((self.folder / path).read_text(encoding="utf-8"))

    def picture(self, row: Mapping[str, Any]) -> bytes:
        """The PNG file that a row of ``images`` or ``pictures`` points to."""
        return read_member(self.folder, row["shard"], row["offset"], row["length"])
