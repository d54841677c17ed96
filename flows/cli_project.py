"""``paxflow project``: one CT from files, to views with masks in files."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.say import speaker_of

if TYPE_CHECKING:
    from projection.export.folder import Work
    from projection.files import LabelFile
    from projection.pose_file import NamedPose
    from projection.volume import Ct


class Beam(StrEnum):
    """How rays run: from a focal spot, or side by side."""

    cone = "cone"
    parallel = "parallel"


def project_command(  # noqa: PLR0913, PLR0917 - one argument an option
    context: typer.Context,
    ct: Annotated[
        Path, typer.Argument(metavar="CT", help="A NIfTI (.nii, .nii.gz), or a folder with one DICOM series.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="A new or empty folder.")],
    labels: Annotated[
        Path | None, typer.Option(help="The CT's labelmap, a NIfTI of whole numbers; without it, pictures only.")
    ] = None,
    names: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE",
            help="What its numbers stand for, in TotalSegmentator's names: a csv, tsv or json, lines of 'number name', "
            "nnU-Net's dataset.json, or the word total (TotalSegmentator v2). Not needed if the labelmap itself says.",
        ),
    ] = None,
    views: Annotated[
        str, typer.Option(help="Of PA, AP, LAT (left lateral), RL, LAO, RAO, LPO, RPO, divided by commas.")
    ] = "PA,LAT",
    size: Annotated[int, typer.Option(metavar="PX", help="Rows and columns of the detector.")] = 1024,
    beam: Annotated[Beam, typer.Option(help="Cone: from a focal spot, as in a radiograph.")] = Beam.cone,
    preset: Annotated[str, typer.Option(help="How pictures look: film, paxray or drr.")] = "film",
    keep_table: Annotated[bool, typer.Option("--keep-table", help="Leave the scanner's table in the picture.")] = False,
    remove_contrast: Annotated[
        bool, typer.Option("--remove-contrast", help="Show enhanced vessels and organs as without contrast.")
    ] = False,
    poses: Annotated[
        str | None,
        typer.Option(
            metavar="N|FILE",
            help="N: so many times each view, slightly turned and moved. FILE: these poses instead of the options of "
            "views and detector, json as views.json, LPS mm in the CT's frame.",
        ),
    ] = None,
    detector_mm: Annotated[float, typer.Option("--detector-mm", metavar="MM", help="Width of the detector.")] = 440.0,
    sdd_mm: Annotated[float, typer.Option("--sdd-mm", metavar="MM", help="Source to detector.")] = 1800.0,
    formats: Annotated[
        str | None,
        typer.Option(
            help="Of png, raw (16-bit pictures), partners (bone-suppressed, bone-only, lung-only), parquet, coco, "
            "paxray, nifti and seg.",
            show_default="png,parquet; with labels also coco",
        ),
    ] = None,
) -> None:
    """Project one CT, and the labels that it has, to X-ray views: no workspace, no vault, no key.

    The input must be de-identified: nothing is checked here. No value of a DICOM header is written, but for the UIDs
    and the place in space that a DICOM SEG refers to.

    views.json says where source and detector stood.
    """
    from curation.errors import UsageError
    from projection.export.folder import Work, check_formats, check_target, usual_formats, write_folder
    from projection.files import read_ct
    from projection.standalone import Options, project_ct

    wanted = usual_formats(labels is not None) if formats is None else _listed(formats)
    check_target(out)
    check_formats(wanted, labels is not None, ct.is_dir())
    n_jittered, given = _poses(poses)
    if remove_contrast and labels is None:
        raise UsageError("--remove-contrast finds vessels and organs by their labels: give a labelmap with --labels")
    options = Options(
        views=_listed(views),
        size_px=size,
        beam=beam.value,
        detector_mm=detector_mm,
        source_to_detector_mm=sdd_mm,
        preset=preset,
        remove_table=not keep_table,
        remove_contrast=remove_contrast,
        partners="partners" in wanted,
        jittered=n_jittered,
        poses=given,
    )
    scan = read_ct(ct)
    found, structures = _labels(labels, names, scan.ct)
    made = project_ct(scan.ct.hu_zyx, found.values_zyx if found else None, structures, scan.ct.affine, options)
    doubts = made.doubts if found else ()
    work = Work(made, scan, (*scan.notes, *(found.notes if found else ()), *doubts))
    _say(context, work, out, write_folder(work, wanted, out))


def _poses(poses: str | None) -> "tuple[int, tuple[NamedPose, ...]]":
    """A number of jittered poses, or those of a file."""
    from curation.errors import UsageError
    from projection.pose_file import read_poses

    if poses is None:
        return 0, ()
    if not poses.lstrip("-").isdecimal():
        return 0, read_poses(Path(poses))
    if len(poses) > 6 or int(poses) < 1:
        raise UsageError("--poses: expected 1 or more poses a view, or a file")
    return int(poses), ()


def _listed(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())


def _labels(labels: Path | None, names: str | None, ct: "Ct") -> "tuple[LabelFile | None, dict[int, str]]":
    """The labelmap and what its numbers stand for: the user's table, or else the labelmap's own; never a guess."""
    from curation.errors import UsageError
    from projection.files import read_labels
    from projection.names import read_names

    if labels is None:
        if names is not None:
            raise UsageError("--names says what a labelmap's numbers stand for: give the labelmap with --labels")
        return None, {}
    given = read_names(names) if names is not None else {}
    found = read_labels(labels, ct)
    if not (given or found.names):
        raise UsageError(
            "the labelmap does not say what its numbers stand for: give --names TABLE, or --names total if it is "
            "TotalSegmentator v2's (its older releases number some classes otherwise)"
        )
    return found, given or found.names


def _say(context: typer.Context, work: "Work", out: Path, files: tuple[str, ...]) -> None:
    made = work.made
    n_masks = sum(len(view.footprints) for view in made.views)
    masks = f" with {n_masks:,} masks of {len(made.layers.labels)} labels" if work.has_labels else ""
    missing = f"; {len(made.missing)} labels could not be derived, views.json says why" if made.missing else ""
    speaker = speaker_of(context)
    speaker.say(
        "project",
        f"{len(made.views)} view{'s' if len(made.views) > 1 else ''}{masks} lie in {out}: {', '.join(files)}{missing}.",
        folder=str(out),
        files=list(files),
        views=len(made.views),
        masks=n_masks,
        labels=len(made.layers.labels),
        missing=len(made.missing),
        notes=list(work.notes),
    )
    for note in work.notes:
        speaker.hint(f"Note: {note}.")
