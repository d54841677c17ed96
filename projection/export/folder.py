"""Everything that is written of one projected CT, in the formats that are asked for, into one folder.

Nothing half-written: files grow in a folder beside the target, which becomes it by one rename at the end. The same
input gives the same bytes: no file holds a time, a place of this machine, or anything by chance.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curation.errors import InputError, UsageError
from curation.store import sync_folder, write_parquet
from projection.appearance import png
from projection.export import coco, nifti, paxray, views
from projection.export.sheets import sheets
from projection.files import Scan
from projection.standalone import Projected

FORMATS = ("png", "raw", "partners", "parquet", "coco", "paxray", "nifti", "seg")
_NEED_LABELS = ("partners", "coco", "paxray", "nifti", "seg")


@dataclass(frozen=True)
class Work:
    """What is to be written: a projected CT, and the scan that it came from."""

    made: Projected
    scan: Scan
    notes: tuple[str, ...] = ()

    @property
    def has_labels(self) -> bool:
        """Whether there was a labelmap."""
        return bool(self.made.layers.labels)


def usual_formats(has_labels: bool) -> tuple[str, ...]:
    """What is written if nothing else is asked for."""
    return ("png", "parquet", "coco") if has_labels else ("png", "parquet")


def check_formats(formats: Sequence[str], has_labels: bool, has_slices: bool) -> None:
    """Before any work: raises UsageError for a format that is not there, InputError for one that needs other input."""
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise UsageError(f"formats: expected some of {', '.join(FORMATS)}")
    needy = [name for name in formats if name in _NEED_LABELS]
    if needy and not has_labels:
        raise InputError(f"{', '.join(needy)} needs labels: give a labelmap with --labels")
    if "seg" in formats and not has_slices:
        raise InputError("DICOM SEG refers to DICOM slices: give the CT as a DICOM folder, or ask for nifti instead")


def check_target(target: Path) -> None:
    """Raises UsageError unless the target is new or an empty folder."""
    try:
        taken = target.exists() and not (target.is_dir() and not any(target.iterdir()))
        nearest = next(folder for folder in target.resolve().parents if folder.exists())
    except OSError as error:
        raise UsageError(f"the target cannot be used: {error.strerror}") from None
    if taken:
        raise UsageError("the target must be a new or empty folder: nothing that is there is overwritten")
    if not (nearest.is_dir() and os.access(nearest, os.W_OK)):
        raise UsageError("the target's folder cannot be written")


def write_folder(work: Work, formats: Sequence[str], target: Path) -> tuple[str, ...]:
    """Write the formats into ``target``; returns the names of the files. Raises UsageError as ``check_target``."""
    check_target(target)
    with _grown(target) as folder:
        (folder / views.FILE).write_text(views.views_json(work.made, work.notes) + "\n", encoding="utf-8")
        for name in FORMATS:
            if name in formats:
                _WRITERS[name](work, folder)
        names = tuple(sorted(path.name for path in folder.iterdir()))
    return names


@contextmanager
def _grown(target: Path) -> Iterator[Path]:
    """A folder beside the target that becomes it if the block ends well, and is gone if not."""
    parent = target.resolve().parent
    folder = parent / f".{target.name}.{os.getpid()}.tmp"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        yield folder
        folder.replace(target.resolve())  # onto an empty folder it replaces it (POSIX rename)
        sync_folder(parent)
    except OSError as error:  # no room, no right, a name too long, or another run was quicker
        raise UsageError(f"the target cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_png(work: Work, folder: Path) -> None:
    for view in work.made.views:
        (folder / f"{view.view_id}.png").write_bytes(png(view.picture))


def _write_raw(work: Work, folder: Path) -> None:
    """The 16-bit pictures for processing; views.json has their scale."""
    for view in work.made.views:
        (folder / f"{view.view_id}.raw.png").write_bytes(png(view.pictures.raw))


def _write_partners(work: Work, folder: Path) -> None:
    """Pictures without bone, of bone and of the lungs alone."""
    for view in work.made.views:
        for kind, made in view.pictures.partners.items():
            (folder / f"{view.view_id}.{kind}.png").write_bytes(png(made))


def _write_parquet(work: Work, folder: Path) -> None:
    write_parquet(views.views_table(work.made), folder / "views.parquet")
    if work.has_labels:
        write_parquet(views.masks_table(work.made), folder / "masks.parquet")
        write_parquet(views.visible_table(work.made), folder / "visible_masks.parquet")


def _write_coco(work: Work, folder: Path) -> None:
    (folder / coco.FILE).write_text(coco.coco_json(work.made) + "\n", encoding="utf-8")


def _write_paxray(work: Work, folder: Path) -> None:
    (folder / paxray.FILE).write_text(paxray.paxray_json(work.made) + "\n", encoding="utf-8")
    for view in work.made.views:
        paxray.write_target(view, folder / paxray.target_name(view))


def _write_nifti(work: Work, folder: Path) -> None:
    ct, found = work.scan.ct, []
    for number, sheet in enumerate(sheets(work.made, ct), 1):
        (folder / nifti.sheet_name(number)).write_bytes(nifti.labelmap(sheet.values_zyx, ct.affine))
        found.append(sheet.labels)
    (folder / nifti.FILE).write_text(nifti.names_json(found) + "\n", encoding="utf-8")


def _write_seg(work: Work, folder: Path) -> None:
    from projection.export import seg  # noqa: PLC0415 - highdicom takes a second to import

    slices = seg.sources(work.scan)
    for number, sheet in enumerate(sheets(work.made, work.scan.ct), 1):
        (folder / seg.seg_name(number)).write_bytes(seg.segmentation(sheet, number, slices))


_WRITERS: dict[str, Callable[[Work, Path], None]] = {
    "png": _write_png,
    "raw": _write_raw,
    "partners": _write_partners,
    "parquet": _write_parquet,
    "coco": _write_coco,
    "paxray": _write_paxray,
    "nifti": _write_nifti,
    "seg": _write_seg,
}
