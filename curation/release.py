"""Releases: what modelers pull. Reads the tables of data/ and work/, writes ``release/<recipe>/``.

The same rows give the same bytes, whatever the history: rows are sorted, shards are rebuilt in order of their images,
and nothing of the moment (time, commit, machine) is written. The tag is the version; the folder does not know it.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from curation.card import card
from curation.errors import InputError, IntegrityError, UsageError
from curation.records import TABLES, Patient, Record, ReleaseImage, ReleaseSplit, Series, Study, View
from curation.settings import RecipeSettings
from curation.store import (
    ShardWriter,
    digest_rows,
    file_sha256,
    read_member,
    read_rows,
    sync_folder,
    to_arrow,
    write_parquet,
)
from curation.workspace import Workspace

R = TypeVar("R", bound=Record)
RECIPES = {"paxray": "curation.recipes.paxray"}
PARAMETERS = ("deid", "catalog", "segment", "consensus", "project", "measure", "mine", "ground", "decide")
"""Sections of params.yaml that a release depends on; DVC watches the same."""
SHARD_BYTES = 256 * 2**20
CHECKSUMS = "CHECKSUMS.sha256"
_PINNED = ("numpy", "numba", "SimpleITK", "pydicom", "nibabel", "pillow", "pyarrow")
"""Packages whose version can change a byte."""


class Sources:
    """The rows that a recipe may read, each table read once."""

    def __init__(self, workspace: Workspace, settings: RecipeSettings) -> None:
        self._workspace = workspace
        self._settings = settings
        self._cached: dict[type[Record], list[Any]] = {}

    def rows(self, record: type[R]) -> list[R]:
        """All rows of a table, sorted by key."""
        if record not in self._cached:
            self._cached[record] = read_rows(record, self._workspace.tables(record.about.stage))
        return self._cached[record]

    def split_of(self, patient_id: str) -> str:
        """The patient's split."""
        return split_of(patient_id, self._settings)

    def png(self, view: View) -> bytes:
        """The image of a view."""
        return read_member(self._workspace.tables("project"), view.shard, view.offset, view.length)


def split_of(patient_id: str, settings: RecipeSettings) -> str:
    """A patient's split: a hash of salt and pseudonym as a fraction, against the cumulated shares.

    It depends on nothing else, so a patient never moves when others arrive.
    """
    value = int(hashlib.sha256(f"{settings.split_salt}/{patient_id}".encode()).hexdigest()[:15], 16) / 16**15
    total = 0.0
    for name, share in settings.split:
        total += share
        if value < total:
            return name
    return "test"


def build(workspace: Workspace, recipe: str) -> dict[str, int]:
    """Build ``release/<recipe>`` anew beside the old one and put it in its place; returns rows per table."""
    settings = workspace.settings.recipes.get(recipe)
    if settings is None or recipe not in RECIPES:
        raise UsageError(f"there is no recipe '{recipe}': there are {', '.join(sorted(RECIPES))}")
    module = import_module(RECIPES[recipe])
    sources = Sources(workspace, settings)
    views = module.images(sources)
    if not views:
        raise InputError(f"release {recipe}: there is no image to release; `paxflow rejects` says what stopped")
    target = workspace.root / "release" / recipe
    making = target.with_name(f"{recipe}.tmp")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    images = _write_images(making, sources, views)
    tables = _spine(sources, images) | dict(module.tables(sources, images))
    for name, rows in tables.items():
        _write_table(making, name, rows)
    _write_coco(making, module, images, tables["masks"])
    _write_json(making / "provenance.json", _provenance(workspace, recipe, tables))
    (making / "README.md").write_text(card(recipe, settings, tables), encoding="utf-8")
    _write_checksums(making)
    check(making)
    old = target.with_name(f"{recipe}.old.tmp")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.replace(old)
    making.replace(target)
    sync_folder(target.parent)
    shutil.rmtree(old, ignore_errors=True)
    return {name: len(rows) for name, rows in tables.items()}


def _spine(sources: Sources, images: Sequence[ReleaseImage]) -> dict[str, Sequence[Record]]:
    """The tables that each release has. Patients known by a report alone are in it: their phrases are."""
    patients = sources.rows(Patient)
    splits = [ReleaseSplit(p.patient_id, sources.split_of(p.patient_id), "derived") for p in patients]
    return {"images": images, "studies": sources.rows(Study), "patients": patients, "splits": splits}


def _write_images(folder: Path, sources: Sources, views: Sequence[View]) -> list[ReleaseImage]:
    studies = {row.series_id: row for row in sources.rows(Series)}
    images: list[ReleaseImage] = []
    number, size = 0, 0
    writer = _shard(folder, number)
    for view in sorted(views, key=lambda view: view.view_id):
        if size > SHARD_BYTES:
            writer.close()
            number, size = number + 1, 0
            writer = _shard(folder, number)
        file_name = f"{view.view_id}.png"
        place = writer.add(file_name, sources.png(view))
        size += place.length
        series = studies[view.series_id]
        images.append(
            ReleaseImage(
                image_id=view.view_id,
                study_id=series.study_id,
                patient_id=series.patient_id,
                split=sources.split_of(series.patient_id),
                series_id=view.series_id,
                view=view.view,
                rows=view.rows,
                columns=view.columns,
                pixel_spacing_mm=view.pixel_spacing_mm,
                bits=8,
                photometric=view.photometric,
                file_name=file_name,
                sha256=place.sha256,
                shard=place.shard,
                offset=place.offset,
                length=place.length,
            )
        )
    writer.close()
    return images


def _shard(folder: Path, number: int) -> ShardWriter:
    name = f"images/images-{number:05d}.tar"
    return ShardWriter(folder / name, name)


def _write_table(folder: Path, name: str, rows: Sequence[Record]) -> None:
    """One Parquet file; a table without rows still has its columns."""
    record = type(rows[0]) if rows else _record_of(name)
    write_parquet(to_arrow(record, rows), folder / f"{name}.parquet")


def _record_of(name: str) -> type[Record]:
    aliases = {"reads": "annotations"}
    return TABLES.get(f"release_{name}") or TABLES[aliases.get(name, name)]


def _write_coco(folder: Path, module: Any, images: Sequence[ReleaseImage], masks: Sequence[Record]) -> None:
    for split in sorted({image.split for image in images}):
        part = [image for image in images if image.split == split]
        _write_json(folder / "coco" / f"instances_{split}.json", module.coco(part, masks))


def _provenance(workspace: Workspace, recipe: str, tables: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """What the release was made from and with. The commit is not in it: the tag that pins the release is the commit."""
    parameters = workspace.settings.parameters()
    return {
        "recipe": recipe,
        "paxflow": version("paxflow"),
        "parameters": {name: parameters[name] for name in PARAMETERS} | {"recipe": parameters["recipes"][recipe]},
        "packages_at_release": {name: version(name) for name in _PINNED},
        "tables": {
            name: {"rows": len(rows), "content_sha256": digest_rows(rows)} for name, rows in sorted(tables.items())
        },
    }


def _write_json(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, indent=1 if path.name == "provenance.json" else None)
    path.write_text(text + "\n", encoding="utf-8")


def _write_checksums(folder: Path) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8")


# --- check -----------------------------------------------------------------------------------------------


def check(folder: Path) -> None:
    """Raise IntegrityError naming every promise that the release in ``folder`` breaks."""
    if not (folder / CHECKSUMS).is_file():
        raise InputError(f"there is no release in {folder.name}: build it with `dvc repro`")
    broken = [*_wrong_sums(folder)]
    if not broken:
        broken = [*_wrong_splits(folder), *_wrong_masks(folder), *_wrong_states(folder)]
    if broken:
        raise IntegrityError(
            f"release {folder.name.removesuffix('.tmp')} breaks its promises:\n  " + "\n  ".join(broken)
        )


def _wrong_sums(folder: Path) -> list[str]:
    lines = (line.partition("  ") for line in (folder / CHECKSUMS).read_text().splitlines())
    listed = {name: sha256 for sha256, _, name in lines}
    there = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and p.name != CHECKSUMS}
    both = sorted(listed.keys() & there.keys())
    wrong = [f"{name}: bytes differ from {CHECKSUMS}" for name in both if file_sha256(there[name]) != listed[name]]
    return wrong + [f"{name}: listed or present, but not both" for name in sorted(listed.keys() ^ there.keys())]


def _columns(folder: Path, table: str, *names: str) -> list[tuple[Any, ...]]:
    read: pa.Table = pq.read_table(folder / f"{table}.parquet", columns=list(names))
    return list(zip(*(read.column(name).to_pylist() for name in names), strict=True))


def _wrong_splits(folder: Path) -> list[str]:
    splits = _columns(folder, "splits", "patient_id", "split")
    split_of_patient = dict(splits)
    wrong = []
    if len(split_of_patient) != len(splits):
        wrong.append("splits: a patient stands in more than one split")
    if set(split_of_patient.values()) - {"train", "valid", "test"}:
        wrong.append("splits: a split is neither train, valid nor test")
    for table in ("images", "phrases"):
        if any(split_of_patient.get(p) != split for p, split in _columns(folder, table, "patient_id", "split")):
            wrong.append(f"{table}: a row stands in another split than its patient")
    hashes: dict[str, str] = {}
    for sha256, patient in _columns(folder, "images", "sha256", "patient_id"):
        if hashes.setdefault(sha256, patient) != patient:
            wrong.append("images: the same image stands under two patients")
    return wrong


def _wrong_masks(folder: Path) -> list[str]:
    size = {image: tuple(rest) for image, *rest in _columns(folder, "images", "image_id", "rows", "columns")}
    wrong = set()
    for table, column in (("masks", "view_id"), ("phrases", "image_id")):
        for image, (x, y, width, height) in _columns(folder, table, column, "box"):
            if image not in size:
                wrong.add(f"{table}: a row names an image that is not in the release")
            elif min(x, y) < 0 or x + width > size[image][1] or y + height > size[image][0]:
                wrong.add(f"{table}: a box lies outside its image")
    return sorted(wrong)


def _wrong_states(folder: Path) -> list[str]:
    states = {state for (state,) in _columns(folder, "labels", "state")}
    return [] if states <= {1, 0, -1, None} else ["labels: a state is not 1, 0, -1 or null"]
