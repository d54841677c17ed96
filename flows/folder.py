"""De-identify any folder by itself: the pipeline's own ingest and deid on it, and the clean files laid out in another.

What names originals (ledger, rejects) is kept in the vault while this runs, or in a private temporary folder where
there is no vault; what is clean grows beside the target. Both go at the end. Killed half-way, the same call goes on
where it stopped.
"""

import csv
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import yaml

from curation.deid.keys.key import identity
from curation.deid.stage import plan as deid_plan
from curation.errors import InputError, UsageError, VaultError
from curation.records import Instance, Reject, Report, Source
from curation.settings import Settings, load_settings
from curation.stage import Todo
from curation.store import atomic, read_member, read_rows
from curation.workspace import Workspace
from flows.executors import Advance
from flows.run import run_stage

WORK = ".paxflow-run"
COLUMNS = ("original_path", "path", "reason", "detail")
_NOT_WRITTEN = ("unsupported_file", "expected DICOM or a report; another kind of file came")


@dataclass(frozen=True)
class FolderRun:
    """What became of a folder: how many clean files there are, and how many originals were refused for which reason."""

    clean: int
    refused: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Lists:
    """Where to write which original became which file, and which was refused; both name originals."""

    mapping: Path | None
    rejects: Path | None


def deid_folder(source: Path, target: Path, lists: Lists, watch: Callable[[Todo], Advance] | None = None) -> FolderRun:
    """De-identify ``source`` into ``target``; raises UsageError if they overlap, InputError if there is nothing."""
    _check(source, target, lists)
    target.mkdir(parents=True, exist_ok=True)
    with _private(source, target) as vault, _environment(vault):
        root = target / WORK
        root.mkdir(exist_ok=True)
        (root / "params.yaml").write_text(_params(), encoding="utf-8")
        workspace = Workspace(root)
        with workspace.lock("folder"):
            for name in ("ingest", "deid"):
                run_stage(name, workspace, watch)
            rows = list(_outcomes(workspace))
            _lay_out(workspace, target)
        _write(lists.mapping, [row for row in rows if row[1]])
        _write(lists.rejects, [row for row in rows if not row[1]])
        shutil.rmtree(root)
    refused = Counter(reason for _, path, reason, _ in rows if not path)
    return FolderRun(sum(1 for row in rows if row[1]), tuple(sorted(refused.items())))


def _check(source: Path, target: Path, lists: Lists) -> None:
    if not source.is_dir():
        raise InputError(f"there is no folder {source}")
    inside, outside = source.resolve(), target.resolve()
    if inside.is_relative_to(outside) or outside.is_relative_to(inside):
        raise UsageError("IN and OUT must be two folders, neither inside the other")
    for path in (lists.mapping, lists.rejects):
        if path is not None and path.resolve().is_relative_to(outside):
            raise UsageError("the lists name originals: they must not lie in OUT, among the clean files")
    if outside.is_dir() and any(outside.iterdir()) and not (outside / WORK).is_dir():
        raise UsageError("OUT must be new or empty (or left by a call of this kind that was killed)")


def settings() -> Settings:
    """The settings to work by: this workspace's, or those that paxflow ships."""
    return load_settings(_params_file())


def _params_file() -> Path:
    try:
        return Workspace.find().root / "params.yaml"
    except UsageError:
        return Path(str(files("flows").joinpath("params.yaml")))


def _params() -> str:
    """The text of the settings without a crosswalk, which would not outlive the run."""
    params = yaml.safe_load(_params_file().read_text(encoding="utf-8"))
    params["deid"]["crosswalk"] = False
    return yaml.safe_dump(params, sort_keys=False)


@contextmanager
def _private(source: Path, target: Path) -> Iterator[Path]:
    """A folder of one's own for what names originals: found again by a second call, gone after one that ended well."""
    mark = sha256(f"{source.resolve()}\0{target.resolve()}".encode()).hexdigest()[:16]
    given = os.environ.get("PAXFLOW_VAULT")
    above = Path(given) / "deid-run" if given else Path(tempfile.gettempdir()) / f"paxflow-deid-{os.getuid()}"
    above.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = above.lstat()
    if not given and (about.st_uid != os.getuid() or about.st_mode & 0o077 or above.is_symlink()):
        raise VaultError("the temporary folder for originals belongs to somebody else: set PAXFLOW_VAULT, or TMPDIR")
    vault = above / mark
    vault.mkdir(mode=0o700, exist_ok=True)
    for name, where in (("landing", source.resolve()), ("review", Path(given or vault) / "review")):
        if not (vault / name).is_symlink() and where != vault / name:
            (vault / name).symlink_to(where)
    yield vault
    shutil.rmtree(vault)


@contextmanager
def _environment(vault: Path) -> Iterator[None]:
    """The stages' own vault, under the key that was given; no Prefect."""
    before = dict(os.environ)
    own = os.environ.get("PAXFLOW_VAULT")
    if own and "PAXFLOW_KEY_FILE" not in before:
        os.environ["PAXFLOW_KEY_FILE"] = str(Path(own) / "key")
    os.environ["PAXFLOW_VAULT"] = str(vault)
    os.environ.pop("PREFECT_API_URL", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# --- what became of each file ----------------------------------------------------------------------------


def _outcomes(workspace: Workspace) -> Iterator[tuple[str, str, str, str]]:
    """A row of ``COLUMNS`` for each clean file, and for each file of the source, or report in one, without any."""
    for row in read_rows(Reject, workspace.control("ingest")):
        yield row.item.rpartition("@")[0], "", row.reason.value, row.detail
    refused = {row.item: row for row in read_rows(Reject, workspace.control("deid"))}
    paths_of = _paths(workspace)
    for item in deid_plan(workspace):
        source: Source = item.payload.source
        reject = refused.get(item.name)
        if reject:
            yield source.original_path, "", reject.reason.value, reject.detail
            continue
        paths = paths_of(source)
        yield from ((source.original_path, path, "", "") for path in paths)
        if not paths:
            yield source.original_path, "", *_NOT_WRITTEN
    for source in read_rows(Source, workspace.tables("ingest")):
        if source.kind == "part":
            yield source.original_path, "", *_NOT_WRITTEN


def _paths(workspace: Workspace) -> Callable[[Source], list[str]]:
    """Where the clean files of a source lie; none if it is of a kind that is not written.

    An object that tells something in words (a structured report) has two: itself, and its text.
    """
    who = identity(workspace, workspace.settings.deid)
    instances = {row.instance_id: _place(row) for row in read_rows(Instance, workspace.tables("deid"))}
    reports = {row.report_id: f"reports/{row.report_id}.txt" for row in read_rows(Report, workspace.tables("deid"))}

    def paths_of(source: Source) -> list[str]:
        uid = source.original_uid
        texts = (reports.get(who.report(collection, uid or source.sha256)) for collection in ("local", "openi"))
        places = [instances.get(who.uid(uid)) or instances.get(uid)] if source.kind == "dicom" else []
        return [path for path in (*places, *texts) if path]

    return paths_of


def _lay_out(workspace: Workspace, target: Path) -> None:
    """Copy every clean file to its place, by its own new names."""
    data = workspace.tables("deid")
    for row in read_rows(Instance, data):
        with atomic(target / _place(row)) as temporary:
            temporary.write_bytes(read_member(data, row.shard, row.offset, row.length))
    for report in read_rows(Report, data):
        with atomic(target / "reports" / f"{report.report_id}.txt") as temporary:
            temporary.write_text(report.text + "\n", encoding="utf-8")


def _place(row: Instance) -> str:
    return f"{row.study_id}/{row.series_id}/{row.instance_id}.dcm"


def _write(path: Path | None, rows: list[tuple[str, str, str, str]]) -> None:
    """A CSV that its owner alone can read."""
    if path is None:
        return
    with atomic(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(rows)
