"""What a key has made, and how another takes its place.

Nothing is noted beside the data to tell which key made it: pseudonyms are computed anew from the patients that the
vault's ``sources`` name, under each key at hand, and looked for in ``data/``. So the answer holds after a kill, a
restore or a checkout of an older version too.
"""

import fcntl
import os
import stat
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from curation.deid.keys.identity import Identity
from curation.deid.keys.key import DEMO_KEY, key_id, key_place, new_key, read_key, read_key_file
from curation.deid.texts.many import file_of
from curation.errors import BusyError, VaultError
from curation.records import Instance, Record, Report, Source
from curation.store import sync_folder
from curation.workspace import Workspace


@dataclass(frozen=True)
class Holding:
    """How much of ``data/`` bears pseudonyms of one key; ``key_id`` is empty for what no key at hand has made."""

    key_id: str
    patients: int
    studies: int
    reports: int


@dataclass(frozen=True)
class KeyState:
    """The key in use: its public fingerprint, its file (None: ``PAXFLOW_KEY``) and mode, and what keys have made."""

    key_id: str
    path: Path | None
    mode: int | None
    is_demo: bool
    holdings: tuple[Holding, ...]

    @property
    def own(self) -> Holding:
        """What this key has made."""
        return next((held for held in self.holdings if held.key_id == self.key_id), Holding(self.key_id, 0, 0, 0))

    @property
    def others(self) -> tuple[Holding, ...]:
        """What other keys have made."""
        return tuple(held for held in self.holdings if held.key_id != self.key_id)


@dataclass(frozen=True)
class Loss:
    """What a rotation parts: the state before it, and how many sources a new run would need and would not find."""

    state: KeyState
    n_sources: int
    n_sources_gone: int


def check_key(workspace: Workspace) -> KeyState:
    """The key in use and what it has made; raises VaultError if there is none, or it is weak or exposed."""
    key = read_key(workspace)
    path = None if os.environ.get("PAXFLOW_KEY") else key_place(workspace)
    mode = stat.S_IMODE(path.stat().st_mode) if path else None
    keys = {key_id(known): known for known in (*retired_keys(workspace), key)}
    return KeyState(key_id(key), path, mode, key == DEMO_KEY, _holdings(workspace, keys))


def retired_keys(workspace: Workspace) -> list[bytes]:
    """The keys that rotations have left beside the key file; raises VaultError if others can read one."""
    path = key_place(workspace).resolve()
    names = path.parent.glob("*.retired") if path.parent.is_dir() else ()
    return [read_key_file(name) for name in sorted(names) if name.name.startswith(f"{path.name}.")]


# --- what a key has made ---------------------------------------------------------------------------------


def _holdings(workspace: Workspace, keys: Mapping[str, bytes]) -> tuple[Holding, ...]:
    """One holding for each key that made something, and one for what none of them made."""
    data, limits = workspace.tables("deid"), workspace.settings.deid
    studies = _distinct(Instance, data, "patient_id", "study_id")
    reports = _distinct(Report, data, "patient_id", "report_id")
    originals = [patient for (patient,) in _distinct(Source, workspace.tables("ingest"), "original_patient_id")]
    maker: dict[str, str] = {}
    for mark, key in keys.items():
        who = Identity(key, limits.max_shift_days, limits.oldest_age_years)
        maker |= {who.patient(original): mark for original in originals}
    patients = {row[:1] for row in studies | reports}
    counts = [Counter(maker.get(row[0], "") for row in rows) for rows in (patients, studies, reports)]
    return tuple(Holding(mark, *(count[mark] for count in counts)) for mark in sorted(counts[0]))


def _distinct(record: type[Record], folder: Path, *columns: str) -> set[tuple[str, ...]]:
    """The distinct values of columns of a table, read without the rest of it."""
    found: set[tuple[str, ...]] = set()
    for part in sorted((folder / record.about.name).glob("*.parquet")):
        with pq.ParquetFile(part) as file:
            table = file.read(columns=list(columns))
        found |= set(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
    return found


# --- rotation --------------------------------------------------------------------------------------------


def rotation_loss(workspace: Workspace) -> Loss:
    """What a rotation would part; raises VaultError if the key is no file, or is refused as it is."""
    if os.environ.get("PAXFLOW_KEY"):
        raise VaultError(
            "PAXFLOW_KEY is set, and a key in the environment cannot be rotated from here: change it where it is set, "
            "or unset it and keep the key in a file"
        )
    sources = _distinct(Source, workspace.tables("ingest"), "original_path")
    held = Counter(file_of(path) for (path,) in sources)
    gone = sum(count for path, count in held.items() if not (workspace.landing / path).is_file())
    return Loss(check_key(workspace), len(sources), gone)


def rotate_key(workspace: Workspace, loss: Loss) -> Path:
    """Put a new key in the place of the one that ``loss`` describes; returns where the old one is kept.

    At any moment one whole key is in place, and the old one never lacks a name. Raises BusyError while deid or another
    rotation runs, or if the key is no longer the one that was looked at; VaultError if the folder cannot be written.
    """
    path = key_place(workspace).resolve()
    retired = path.with_name(f"{path.name}.{loss.state.key_id}.retired")
    with workspace.lock("deid"), _locked(path):
        if key_id(read_key_file(path)) != loss.state.key_id:
            raise BusyError("the key has changed since it was looked at: look again with `paxflow key check`")
        try:
            _replace(path, retired)
        except OSError:
            raise VaultError("the key cannot be replaced: its folder must be one that you may write to") from None
    return retired


def _replace(path: Path, retired: Path) -> None:
    with suppress(FileExistsError):  # a rotation was killed after this step
        os.link(path, retired)
    if read_key_file(retired) != read_key_file(path):
        raise VaultError("a retired key lies there under the name of this one: move it away")
    sync_folder(path.parent)
    with new_key(path) as temporary:
        temporary.replace(path)
    sync_folder(path.parent)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the key file itself, whichever workspace it is used from."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        raise VaultError("there is no key that can be read: make one with `paxflow key make`") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise BusyError("another process rotates this key: wait for it to end") from None
    finally:
        os.close(handle)
