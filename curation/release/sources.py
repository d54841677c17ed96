"""The rows that a recipe may read, and where it puts pictures."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import Any, TypeVar

from curation.records import Record, ReleaseLeftOut, ReleaseSplit
from curation.release.opened import Opened
from curation.release.shards import Member, Shards
from curation.release.splits import assign
from curation.settings import RecipeSettings
from curation.store import Place, read_member, read_rows
from curation.workspace import Workspace

R = TypeVar("R", bound=Record)


class Sources:
    """Tables, each read once; splits; and a place for further pictures."""

    def __init__(
        self, workspace: Workspace, settings: RecipeSettings, shards: Shards, previous: Opened | None = None
    ) -> None:
        self.settings = settings
        self.left_out: dict[tuple[str, str], ReleaseLeftOut] = {}
        self._workspace = workspace
        self._shards = shards
        self._previous = previous
        self._cached: dict[type[Record], list[Any]] = {}

    def rows(self, record: type[R]) -> list[R]:
        """All rows of a table, sorted by key."""
        if record not in self._cached:
            self._cached[record] = read_rows(record, self._workspace.tables(record.about.stage))
        return self._cached[record]

    @cached_property
    def splits(self) -> Mapping[str, ReleaseSplit]:
        """Every patient's split, by patient."""
        return {row.patient_id: row for row in assign(self.rows, self.settings, self._previous)}

    def split_of(self, patient_id: str) -> str:
        """The patient's split."""
        return self.splits[patient_id].split

    def leave_out(self, kind: str, item_id: str, patient_id: str, reason: str, twin_id: str = "") -> None:
        """Note that an image, report or study is held back; the first reason stands."""
        row = ReleaseLeftOut(kind, item_id, patient_id, self.split_of(patient_id), reason, twin_id)
        self.left_out.setdefault((kind, item_id), row)

    def reader(self, stage: str, row: Any) -> Callable[[], bytes]:
        """Reads the bytes that a row of a stage points to, when called."""
        folder = self._workspace.tables(stage)
        return lambda: read_member(folder, row.shard, row.offset, row.length)

    def store(self, folder: str, members: Iterable[Member]) -> Mapping[str, Place]:
        """Put pictures into shards of ``folder`` in the release; where each lies, by file name."""
        return self._shards.write(folder, members)
