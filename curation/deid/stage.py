"""Deid turns sources into clean data: the only way from the vault into ``data/``.

Reads ``sources`` and the landing zone. Writes instances, reports and their tags, labelmaps and their structures,
annotations and their ratings; each is verified by a second code path before it is stored. Manifest and rejects stay in
the vault, because they name originals.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from curation.deid.dicom import deidentify
from curation.deid.identity import Identity, identity, key_id, load_key
from curation.deid.lidc import lidc_identifiers, read_lidc
from curation.deid.nifti import clean_labelmap, header_of, read_sidecar, read_structures
from curation.deid.reports import read_report
from curation.deid.text import clean, clean_tags
from curation.deid.verify import verify_dicom, verify_nifti, verify_text
from curation.errors import Rejected, VaultError
from curation.records import (
    Annotation,
    AnnotationRating,
    Instance,
    Labelmap,
    LabelmapStructure,
    Reason,
    Record,
    Report,
    ReportTag,
    Source,
)
from curation.stage import Batch, Item, Stage, fingerprint, manifest, rejects
from curation.store import digest, file_sha256, read_rows
from curation.workspace import Workspace

KINDS = ("dicom", "report", "labelmap", "annotation")


@dataclass(frozen=True)
class Task:
    """A source to clean, the files that belong to it, and the key that this was planned with."""

    source: Source
    parts: tuple[Source, ...]
    key_id: str
    duplicate: Reason | None = None


def plan(workspace: Workspace) -> list[Item]:
    """One item a source; raises VaultError if there is no key, or one that is refused for these sources."""
    known = read_rows(Source, workspace.tables("ingest"))
    sources = list({(source.original_path, source.sha256): source for source in known}.values())
    mark = key_id(load_key(workspace, sources))
    parts = _parts_by_path(workspace, sources)
    missed = {row.item for row in rejects(workspace, STAGE) if row.reason is Reason.SOURCE_GONE}
    items = [_item(source, parts, mark) for source in sources if source.kind in KINDS]
    items = [_back(workspace, item) if item.name in missed else item for item in items]
    return _without_duplicates(workspace, items)


def _back(workspace: Workspace, item: Item) -> Item:
    """A source that was gone when its turn came, and lies there now: an item of its own, so that it is tried again."""
    task: Task = item.payload
    here = all((workspace.landing / source.original_path).is_file() for source in (task.source, *task.parts))
    return replace(item, name=f"{item.name}@back") if here else item


def _parts_by_path(workspace: Workspace, sources: list[Source]) -> dict[str, Source]:
    """The parts of labelmaps; of several contents that one path has had, the one that lies there now."""
    by_path: dict[str, Source] = {}
    for source in sources:
        if source.kind == "part":
            held = by_path.setdefault(source.original_path, source)
            if held is not source and _lies_there(workspace, source):
                by_path[source.original_path] = source
    return by_path


def _lies_there(workspace: Workspace, source: Source) -> bool:
    path = workspace.landing / source.original_path
    return path.is_file() and file_sha256(path) == source.sha256


def _item(source: Source, by_path: dict[str, Source], mark: str) -> Item:
    folder = PurePosixPath(source.original_path).parent
    paths = [(folder / name).as_posix() for name in source.original_parts]
    parts = tuple(by_path[path] for path in paths if path in by_path)
    contents = digest(source.sha256, [part.sha256 for part in parts])
    return Item(f"{source.original_path}@{contents[:12]}", digest(contents, mark), Task(source, parts, mark))


# --- duplicates ------------------------------------------------------------------------------------------


def _without_duplicates(workspace: Workspace, items: list[Item]) -> list[Item]:
    """Items of which each content and each UID stands once; the others will be rejected as duplicates.

    The one that was accepted stays, so that its fingerprint never changes when a copy arrives; else the largest file
    wins (a torn transfer is the smaller one), then the smallest path. One that was rejected for its own sake does not
    compete: a second transfer may be the whole one.
    """
    section = STAGE.settings(workspace)
    accepted: set[str] = set()
    refused: set[str] = set()
    own = {item.name: fingerprint(STAGE, section, item) for item in items}
    for done in manifest(workspace, STAGE):
        if done.n_rows:
            accepted.add(done.item)
        elif own.get(done.item) == done.fingerprint:
            refused.add(done.item)
    ordered = sorted(items, key=lambda item: (item.name not in accepted, -item.payload.source.size_bytes, item.name))
    seen: dict[tuple[str, str], str] = {}
    marked = [item if item.name in refused else _marked(item, seen) for item in ordered]
    return sorted(marked, key=lambda item: item.name)


def _marked(item: Item, seen: dict[tuple[str, str], str]) -> Item:
    """The item, or the item as a duplicate of one before it."""
    task: Task = item.payload
    source = task.source
    keys = {("bytes", item.inputs): Reason.DUPLICATE_BYTES}
    if source.original_uid and source.kind in ("dicom", "report"):
        keys[(source.kind, source.original_uid)] = Reason.DUPLICATE_UID
    reason = next((reason for key, reason in keys.items() if key in seen), None)
    if reason:
        return Item(item.name, digest(item.inputs, reason), Task(source, task.parts, task.key_id, reason))
    seen |= dict.fromkeys(keys, item.name)
    return item


# --- one source ------------------------------------------------------------------------------------------


def one(batch: Batch, item: Item) -> Iterable[Record]:
    """Clean, verified rows of one source; raises Rejected if it is a duplicate, gone, changed or not clean."""
    task: Task = item.payload
    if task.duplicate:
        raise Rejected(task.duplicate, "expected something new; this is held already under another path")
    return _CLEANERS[task.source.kind](batch, task)


def _dicom(batch: Batch, task: Task) -> Iterator[Record]:
    accept = batch.settings.unchecked_radiographs == "accept"
    made = deidentify(_read(batch, task.source), _identity(batch, task), accept)
    verify_dicom(made.data, made.identifiers)
    place = batch.store(f"{made.instance_id}.dcm", made.data)
    yield Instance(
        instance_id=made.instance_id,
        series_id=made.series_id,
        study_id=made.study_id,
        patient_id=made.patient_id,
        accession_id=made.accession_id,
        modality=made.modality,
        sha256=place.sha256,
        shard=place.shard,
        offset=place.offset,
        length=place.length,
    )


def _report(batch: Batch, task: Task) -> Iterator[Record]:
    who = _identity(batch, task)
    original = read_report(_read(batch, task.source))
    if not original.patient_id:
        raise Rejected(Reason.MISSING_IDENTITY, "expected a patient's number in the report's header; none came")
    text = clean(original, who.oldest_age_years)
    tags = clean_tags(original.tags)
    if not text and not tags:
        raise Rejected(Reason.EMPTY_REPORT, "expected text in the report's sections, or tags; there is neither")
    verify_text("\n".join((text, *tags)), original.identifiers)
    report_id = who.report(original.collection, original.report_id or task.source.sha256)
    yield Report(
        report_id=report_id,
        patient_id=who.patient(original.patient_id),
        accession_id=who.accession(original.accession) if original.collection == "local" else "",
        report_date=who.shift(original.patient_id, original.study_date),
        collection=original.collection,
        licence=original.licence,
        text=text,
    )
    for tag in tags:
        yield ReportTag(report_id, "MeSH", tag)


def _labelmap(batch: Batch, task: Task) -> Iterator[Record]:
    who = _identity(batch, task)
    sidecar = read_sidecar(_read(batch, task.source))
    parts = {PurePosixPath(part.original_path).name: part for part in task.parts}
    if not set(sidecar.parts) <= parts.keys():
        raise Rejected(Reason.SOURCE_GONE, "expected the two files that the sidecar names; one is not there")
    structures = read_structures(_read(batch, parts[sidecar.structures]))
    data = clean_labelmap(_read(batch, parts[sidecar.labelmap]))
    verify_nifti(header_of(data))
    content = digest(sidecar.series_uid, sidecar.engine, *(parts[name].sha256 for name in sidecar.parts))
    labelmap_id = who.thing("l", "labelmap", content)
    place = batch.store(f"{labelmap_id}.nii.gz", data)
    yield Labelmap(
        labelmap_id=labelmap_id,
        series_id=who.uid(sidecar.series_uid),
        engine=sidecar.engine,
        sha256=place.sha256,
        shard=place.shard,
        offset=place.offset,
        length=place.length,
    )
    for value, structure in sorted(structures.items()):
        yield LabelmapStructure(labelmap_id, value, structure)


def _annotation(batch: Batch, task: Task) -> Iterator[Record]:
    data = _read(batch, task.source)
    rows = list(read_lidc(data, task.source.sha256, _identity(batch, task)))
    if not rows:
        raise Rejected(Reason.UNSUPPORTED_OBJECT, "expected marks of a reader; there is none")
    verify_text("\n".join(map(str, rows)), lidc_identifiers(data))
    return iter(rows)


_CLEANERS: dict[str, Callable[[Batch, Task], Iterator[Record]]] = {
    "dicom": _dicom,
    "report": _report,
    "labelmap": _labelmap,
    "annotation": _annotation,
}


def _read(batch: Batch, source: Source) -> bytes:
    """Bytes of a source; raises Rejected if they are not those that ingest saw."""
    try:
        data = (batch.workspace.landing / source.original_path).read_bytes()
    except OSError:
        raise Rejected(
            Reason.SOURCE_GONE, "expected the file that ingest saw; it is not there or cannot be read"
        ) from None
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise Rejected(Reason.SOURCE_GONE, "expected the bytes that ingest saw; the file has changed: ingest it again")
    return data


def _identity(batch: Batch, task: Task) -> Identity:
    """The identity of the batch; raises VaultError if the key is not the one that the plan saw."""
    if "identity" not in batch.memo:
        batch.memo["identity"] = identity(batch.workspace, batch.settings)
    who: Identity = batch.memo["identity"]
    if key_id(who.key) != task.key_id:
        raise VaultError("the key has changed while deid ran: run it again")
    return who


STAGE = Stage(
    name="deid",
    writes=(Instance, Report, ReportTag, Labelmap, LabelmapStructure, Annotation, AnnotationRating),
    plan=plan,
    one=one,
    keeps=True,
)
