"""What a stage is, and how a batch of it is done once: plan, work, commit.

A stage turns items into rows. ``plan`` names the items and fingerprints their inputs; ``one`` turns one item into at
least one row or raises ``Rejected``. Everything else is here: fingerprints, batches, parts, stale and torn parts.

    work/<stage>/<table>/<batch>.parquet      rows
    work/<stage>/bytes/<batch>.tar            what rows point to
    work/<stage>/rejects/<batch>.parquet      items that stopped, with their reason
    work/<stage>/manifest/<batch>.parquet     written last: the batch counts from here on

A batch is named by its fingerprints, so the same batch done twice is the same file. For stages at the vault's border
the last two lie in the vault, and a mark in ``pending/`` tells a torn batch from another vault's.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from curation.errors import IntegrityError, Rejected
from curation.records import Done, Record, Reject
from curation.settings import Section
from curation.store import (
    Place,
    ShardWriter,
    digest,
    part_rows,
    read_rows,
    sync_folder,
    to_arrow,
    write_parquet,
)
from curation.workspace import Workspace


@dataclass(frozen=True)
class Item:
    """One unit of a stage's work: its name, the digest of all it reads, and what ``one`` needs to find it."""

    name: str
    inputs: str
    payload: Any = None


@dataclass
class Batch:
    """What ``one`` is given beside its item: where things lie, the parameters, and a shard for bytes."""

    workspace: Workspace
    settings: Any
    shard: ShardWriter
    memo: dict[str, Any] = field(default_factory=dict)
    """Kept for the batch: what several items share, such as a decoded table."""

    def store(self, name: str, *parts: bytes | memoryview) -> Place:
        """Put bytes into the batch's shard."""
        return self.shard.add(name, *parts)


@dataclass(frozen=True)
class Stage:
    """A stage of the pipeline; ``settings`` picks its section of ``params.yaml``."""

    name: str
    writes: tuple[type[Record], ...]
    plan: Callable[[Workspace], Sequence[Item]]
    one: Callable[[Batch, Item], Iterable[Record]]
    keeps: bool = False
    """Rows stay when their item leaves the plan: the sources of ingest and deid may be cleared away."""
    begin: Callable[[Batch, Sequence[Item]], None] | None = None
    """Looks at a batch as a whole before its items are done one by one; what it learns goes into the batch's memo."""
    end: Callable[[Batch, str], None] | None = None
    """Writes what a batch leaves beside its rows, under the batch's name, before the batch counts."""
    finish: Callable[[Workspace], None] | None = None
    """Writes what is derived from all rows at once, such as a task file; runs after every run."""

    def settings(self, workspace: Workspace) -> Section:
        """This stage's section."""
        section: Section = getattr(workspace.settings, self.name)
        return section


@dataclass(frozen=True)
class Todo:
    """What a run has to do: batches of items, and what was found on disk."""

    batches: tuple[tuple[Item, ...], ...]
    n_items: int
    n_done: int


def fingerprint(stage: Stage, section: Section, item: Item) -> str:
    """What decides whether an item is done: stage, version and parameters (not the batch size), inputs."""
    return digest(stage.name, section.parameters(), item.name, item.inputs)


def prepare(stage: Stage, workspace: Workspace) -> Todo:
    """Plan, drop torn and stale parts, and cut what is left into batches. Call it under the stage's lock."""
    items = list(stage.plan(workspace))
    section = stage.settings(workspace)
    wanted = {item.name: fingerprint(stage, section, item) for item in items}
    if len(wanted) != len(items):
        raise IntegrityError(f"{stage.name}: two items of the plan have one name")
    _drop_torn(stage, workspace)
    done = _drop_stale(stage, workspace, wanted)
    left = sorted((item for item in items if item.name not in done), key=lambda item: item.name)
    size = section.batch_items
    batches = tuple(tuple(left[start : start + size]) for start in range(0, len(left), size))
    return Todo(batches, len(items), len(items) - len(left))


def run_batch(stage: Stage, workspace: Workspace, items: Sequence[Item]) -> int:
    """Do a batch and commit it; returns the number of rejects. The same items give the same bytes anywhere."""
    section = stage.settings(workspace)
    marks = {item.name: fingerprint(stage, section, item) for item in items}
    name = digest(sorted(marks.values()))[:16]
    control, tables = workspace.control(stage.name), workspace.tables(stage.name)
    pending = _mark_pending(control, tables, name)
    temporary = tables / "bytes" / f"{name}.tar.tmp"
    batch = Batch(workspace, section, ShardWriter(temporary, f"bytes/{name}.tar"))
    rows, rejects, done = _work(stage, batch, items, marks)
    if batch.shard.close():
        temporary.replace(tables / "bytes" / f"{name}.tar")
        sync_folder(tables / "bytes")
    if stage.end:
        stage.end(batch, name)
    for record, made_rows in rows.items():
        _write_part(control if record.about.in_vault else tables, record, name, made_rows)
    _write_part(control, Reject, name, rejects)
    _write_part(control, Done, name, done)
    if pending:
        pending.unlink()
    return len(rejects)


def _work(
    stage: Stage, batch: Batch, items: Sequence[Item], marks: dict[str, str]
) -> tuple[dict[type[Record], list[Record]], list[Record], list[Record]]:
    """Rows by table, rejects, and what is done."""
    rows: dict[type[Record], list[Record]] = {record: [] for record in stage.writes}
    rejects: list[Record] = []
    done: list[Record] = []
    if stage.begin:
        stage.begin(batch, items)
    for item in items:
        made = _one(stage, batch, item)
        if isinstance(made, Reject):
            rejects.append(made)
        else:
            for row in made:
                rows[type(row)].append(row)
        done.append(Done(item.name, marks[item.name], 0 if isinstance(made, Reject) else len(made)))
    return rows, rejects, done


def _one(stage: Stage, batch: Batch, item: Item) -> Reject | list[Record]:
    """The row law: at least one row, or one reject."""
    try:
        rows = list(stage.one(batch, item))
    except Rejected as outcome:
        return Reject(stage.name, item.name, outcome.reason, outcome.detail)
    if not rows:
        raise IntegrityError(f"{stage.name}: an item ended with neither a row nor a reject")
    return rows


def _write_part(folder: Path, record: type[Record], name: str, rows: Sequence[Record]) -> None:
    if rows:
        write_parquet(to_arrow(record, rows), folder / record.about.name / f"{name}.parquet")


def _mark_pending(control: Path, tables: Path, name: str) -> Path | None:
    if control == tables:
        return None
    mark = control / "pending" / name
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    sync_folder(mark.parent)
    return mark


def manifest(workspace: Workspace, stage: Stage) -> list[Done]:
    """Every item the stage has finished."""
    return read_rows(Done, workspace.control(stage.name))


def rejects(workspace: Workspace, stage: Stage) -> list[Reject]:
    """Every item the stage has rejected."""
    return read_rows(Reject, workspace.control(stage.name))


def _drop_torn(stage: Stage, workspace: Workspace) -> None:
    """Remove the parts of batches that a kill left without their manifest."""
    control, tables = workspace.control(stage.name), workspace.tables(stage.name)
    counted = {part.stem for part in (control / Done.about.name).glob("*.parquet")}
    if control == tables:
        torn = {part.stem for part, _ in _parts(stage, workspace)} - counted
    else:
        torn = {mark.name for mark in (control / "pending").glob("*")} - counted
    _remove(stage, workspace, torn)
    for folder in {control, tables}:
        for temporary in folder.glob("*/*.tmp"):
            temporary.unlink()
    for mark in (control / "pending").glob("*"):
        mark.unlink()


def _drop_stale(stage: Stage, workspace: Workspace, wanted: dict[str, str]) -> set[str]:
    """Remove batches that hold an item whose fingerprint is no longer wanted; returns the items that stay done."""
    done: set[str] = set()
    stale: set[str] = set()
    for part in sorted((workspace.control(stage.name) / Done.about.name).glob("*.parquet")):
        rows = list(part_rows(Done, part))
        current = {row.item for row in rows if wanted.get(row.item) == row.fingerprint}
        kept = {row.item for row in rows if stage.keeps and row.item not in wanted}
        irreplaceable = any(row.n_rows for row in rows if row.item in kept)  # its source is out of reach
        if len(current | kept) == len(rows) and not done & current:
            done |= current
        elif irreplaceable:
            raise IntegrityError(
                f"{stage.name}: parameters or key have changed, and some sources are gone that were done with the old "
                "ones: bring them back into the landing zone, or take the change back"
            )
        else:
            stale.add(part.stem)
    _remove(stage, workspace, stale)
    return done


def _parts(stage: Stage, workspace: Workspace) -> Iterator[tuple[Path, Path]]:
    control, tables = workspace.control(stage.name), workspace.tables(stage.name)
    for folder, name in (
        *((control if record.about.in_vault else tables, record.about.name) for record in stage.writes),
        (tables, "bytes"),
        (control, Reject.about.name),
        (control, Done.about.name),
    ):
        for part in (folder / name).glob("*"):
            if part.suffix in (".parquet", ".tar"):
                yield part, folder


def _remove(stage: Stage, workspace: Workspace, batches: set[str]) -> None:
    """The manifest goes first, so that a kill in between leaves a torn batch and not a false one."""
    control, tables = workspace.control(stage.name), workspace.tables(stage.name)
    marks = [mark for batch in sorted(batches) if (mark := _mark_pending(control, tables, batch))]
    parts = [part for part, _ in _parts(stage, workspace) if part.stem in batches]
    for part in sorted(parts, key=lambda part: part.parent.name != Done.about.name):
        part.unlink()
        sync_folder(part.parent)
    for mark in marks:
        mark.unlink(missing_ok=True)
