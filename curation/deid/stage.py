"""Deid turns sources into clean data: the only way from the vault into ``data/``.

Reads ``sources`` and the landing zone. Writes instances, reports and their tags, labelmaps and their structures,
annotations and their ratings; each is verified by a second code path before it is stored. A DICOM SR document is an
instance, and its text is a report as well. Manifest and rejects stay in the vault, because they name originals.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from curation.deid.cleaner import Cleaner
from curation.deid.dicom.objects import Kind
from curation.deid.dicom.opened import File
from curation.deid.dicom.rewrite import Clean
from curation.deid.keys.crosswalk import Link, write_part
from curation.deid.keys.identity import Identifier, Identity
from curation.deid.keys.key import identity, key_id, load_key
from curation.deid.lidc import lidc_identifiers, read_lidc
from curation.deid.nifti import clean_labelmap, header_of, read_sidecar, read_structures
from curation.deid.review import Review
from curation.deid.texts.many import file_of, number_of, read_one
from curation.deid.texts.reports import LOCAL_LICENCE, ReportOriginal, read_report
from curation.deid.texts.structured import read_structured
from curation.deid.texts.surrogates import clean as clean_report
from curation.deid.texts.surrogates import clean_tags
from curation.deid.verify.verifier import verify_nifti, verify_text
from curation.errors import Rejected, VaultError
from curation.records import (
    Annotation,
    AnnotationRating,
    Instance,
    Labelmap,
    LabelmapStructure,
    Reason,
    Record,
    Replacement,
    Report,
    ReportTag,
    Source,
)
from curation.settings import DeidSettings
from curation.stage import Batch, Item, Stage, fingerprint, manifest, rejects
from curation.store import digest, file_sha256, read_rows
from curation.workspace import Workspace

_GONE = "expected the file that ingest saw; it is not there or cannot be read"
_CHANGED = "expected the bytes that ingest saw; the file has changed: ingest it again"
KINDS = ("dicom", "report", "labelmap", "annotation")


@dataclass(frozen=True)
class Task:
    """A source to clean, the files that belong to it, and the key that this was planned with."""

    source: Source
    parts: tuple[Source, ...]
    key_id: str
    duplicate: Reason | None = None
    also: frozenset[Identifier] = frozenset()
    """Of a report: whom DICOM headers of its patient name."""


def plan(workspace: Workspace) -> list[Item]:
    """One item a source; raises VaultError if there is no key, or one that is refused for these sources."""
    known = read_rows(Source, workspace.tables("ingest"))
    sources = list({(source.original_path, source.sha256): source for source in known}.values())
    mark = key_id(load_key(workspace, sources))
    parts = _parts_by_path(workspace, sources)
    named = _names_by_patient(sources)
    missed = {row.item for row in rejects(workspace, STAGE) if row.reason is Reason.SOURCE_GONE}
    items = [_item(source, parts, mark, named) for source in sources if source.kind in KINDS]
    items = [_back(workspace, item) if item.name in missed else item for item in items]
    review = Review(workspace.vault)
    items = [_decided(review, item) for item in items]
    return _without_duplicates(workspace, items)


def _back(workspace: Workspace, item: Item) -> Item:
    """A source that was gone when its turn came, and lies there now: an item of its own, so that it is tried again."""
    task: Task = item.payload
    here = all((workspace.landing / file_of(source.original_path)).is_file() for source in (task.source, *task.parts))
    return replace(item, name=f"{item.name}@back") if here else item


def _decided(review: Review, item: Item) -> Item:
    """An image on whose doubtful pixels a person has decided is to be done again."""
    source: Source = item.payload.source
    decisions = review.digest(source.original_path) if source.kind == "dicom" else ""
    return replace(item, inputs=digest(item.inputs, decisions)) if decisions else item


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


def _names_by_patient(sources: Iterable[Source]) -> dict[str, frozenset[Identifier]]:
    """Whom the DICOM headers of a patient name: a report may speak of them without a title."""
    found: dict[str, set[Identifier]] = defaultdict(set)
    for source in sources:
        if source.original_names:
            found[source.original_patient_id].update(Identifier("name", name) for name in source.original_names)
    return {patient: frozenset(names) for patient, names in found.items()}


def _item(source: Source, by_path: dict[str, Source], mark: str, named: Mapping[str, frozenset[Identifier]]) -> Item:
    folder = PurePosixPath(source.original_path).parent
    paths = [(folder / name).as_posix() for name in source.original_parts]
    parts = tuple(by_path[path] for path in paths if path in by_path)
    contents = digest(source.sha256, [part.sha256 for part in parts])
    also = named.get(source.original_patient_id, frozenset()) if source.kind == "report" else frozenset()
    return Item(f"{source.original_path}@{contents[:12]}", digest(contents, mark), Task(source, parts, mark, also=also))


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
        return Item(item.name, digest(item.inputs, reason), replace(task, duplicate=reason))
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
    cleaner = _cleaner(batch, task)
    with _open(batch, task.source) as file:
        clean = cleaner.clean(file, task.source.original_path)
        told = tuple(_told(clean, _identity(batch, task), task.source, cleaner.options))
        place = batch.shard.add_chunks(f"{clean.instance_id}.dcm", clean.size, cleaner.parts(file, clean))
    _link(batch, *clean.links, *(("report", task.source.original_uid, report.report_id) for report in told))
    yield Instance(
        instance_id=clean.instance_id,
        series_id=clean.series_id,
        study_id=clean.study_id,
        patient_id=clean.patient_id,
        accession_id=clean.accession_id,
        modality=clean.modality,
        sha256=place.sha256,
        shard=place.shard,
        offset=place.offset,
        length=place.length,
        site_id=clean.site_id,
    )
    yield from told


def _told(clean: Clean, who: Identity, source: Source, options: frozenset[str]) -> Iterator[Report]:
    """What a structured report says in words, as a report of its own; nothing of any other object."""
    structured = read_structured(clean.head) if clean.kind is Kind.DATA else None
    if structured is None:
        return
    verify_text(structured.text, clean.context.identifiers)
    yield Report(
        report_id=who.report("local", source.original_uid),
        patient_id=clean.patient_id,
        accession_id=clean.accession_id,
        report_date=structured.study_date if "retain_modified_dates" in options else None,
        collection="local",
        licence=LOCAL_LICENCE,
        text=structured.text,
    )


def _report(batch: Batch, task: Task) -> Iterator[Record]:
    who = _identity(batch, task)
    original = _original(batch, task.source)
    if not original.patient_id:
        raise Rejected(Reason.MISSING_IDENTITY, "expected a patient's number in the report's header; none came")
    clean = clean_report(original, who, task.also)
    tags = clean_tags(original.tags)
    if not clean.text and not tags:
        raise Rejected(Reason.EMPTY_REPORT, "expected text in the report's sections, or tags; there is neither")
    verify_text("\n".join((clean.text, *tags)), original.identifiers | task.also)
    report_id = who.report(original.collection, original.report_id or task.source.sha256)
    patient_id = who.patient(original.patient_id)
    _link(batch, ("patient", original.patient_id, patient_id), ("report", original.report_id, report_id))
    yield Report(
        report_id=report_id,
        patient_id=patient_id,
        accession_id=who.accession(original.accession) if original.collection == "local" else "",
        report_date=who.shift(original.patient_id, original.study_date),
        collection=original.collection,
        licence=original.licence,
        text=clean.text,
    )
    for tag in tags:
        yield ReportTag(report_id, "MeSH", tag)
    for gone in clean.replaced:
        yield Replacement(report_id, gone.start, gone.end, gone.kind, gone.rule)


def _original(batch: Batch, source: Source) -> ReportOriginal:
    """A report as it came, alone in a file or among others."""
    if not number_of(source.original_path):
        return read_report(_read(batch, source), source.original_path)
    return read_one(batch.workspace.landing, source.original_path, source.sha256)


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


def _open(batch: Batch, source: Source) -> File:
    """A source, open; raises Rejected if it is not what ingest saw, which its size and time tell, or else its bytes."""
    path = batch.workspace.landing / source.original_path
    try:
        about = path.stat()
        same = (about.st_size, about.st_mtime_ns) == (source.size_bytes, source.modified_ns)
        if not same and file_sha256(path) != source.sha256:
            raise Rejected(Reason.SOURCE_GONE, _CHANGED)
        return File(path)
    except OSError:
        raise Rejected(Reason.SOURCE_GONE, _GONE) from None


def _read(batch: Batch, source: Source) -> bytes:
    """Bytes of a source; raises Rejected if they are not those that ingest saw."""
    with _open(batch, source) as file:
        return file.read(0, file.size)


def _identity(batch: Batch, task: Task) -> Identity:
    """The identity of the batch; raises VaultError if the key is not the one that the plan saw."""
    if "identity" not in batch.memo:
        batch.memo["identity"] = identity(batch.workspace, batch.settings)
    who: Identity = batch.memo["identity"]
    if key_id(who.key) != task.key_id:
        raise VaultError("the key has changed while deid ran: run it again")
    return who


# --- a batch ---------------------------------------------------------------------------------------------


def _cleaner(batch: Batch, task: Task) -> Cleaner:
    """What cleans the DICOM files of a batch."""
    if "cleaner" not in batch.memo:
        settings: DeidSettings = batch.settings
        review = Review(batch.workspace.vault)
        batch.memo["cleaner"] = Cleaner(
            _identity(batch, task), frozenset(settings.options), settings.pixel_recheck_share, review
        )
    cleaner: Cleaner = batch.memo["cleaner"]
    return cleaner


def begin(batch: Batch, items: Sequence[Item]) -> None:
    """Look at the pixels of each series that the batch holds, on its projections."""
    tasks = [task for item in items if (task := item.payload).source.kind == "dicom" and not task.duplicate]
    if tasks:
        paths = [batch.workspace.landing / task.source.original_path for task in tasks]
        _cleaner(batch, tasks[0]).screen(paths)


def _link(batch: Batch, *links: tuple[str, str, str]) -> None:
    """Note originals and pseudonyms for the crosswalk, where one is kept."""
    if batch.settings.crosswalk:
        batch.memo.setdefault("links", set()).update(Link(*link) for link in links if link[1])


def end(batch: Batch, name: str) -> None:
    """Write the batch's part of the crosswalk."""
    if links := batch.memo.get("links"):
        write_part(batch.workspace.vault, batch.memo["identity"].key, name, links)


STAGE = Stage(
    name="deid",
    writes=(
        *(Instance, Report, ReportTag, Replacement),
        *(Labelmap, LabelmapStructure, Annotation, AnnotationRating),
    ),
    plan=plan,
    one=one,
    begin=begin,
    end=end,
    keeps=True,
)
