"""The ``report-pairs`` recipe: each report with the images of its study, section by section, for report generation.

``reports``, ``sections`` and ``texts`` are the answers of a hidden test; ``pairs`` is what a model is given for them,
and does not tell which of the hidden reports say nearly the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from curation.recipes.report_pairs_checks import wrong_flags, wrong_images, wrong_rows, wrong_sections, wrong_words
from curation.recipes.studies import FINDINGS, FRONTAL, GIVEN, IMPRESSION, LATERAL, Reports, first, images_by_study
from curation.recipes.text_checks import wrong_groups
from curation.records import ReleaseImage, ReleasePair, ReleaseReport, ReleaseSection, ReleaseText, Report
from curation.release.hidden import HIDDEN
from curation.release.recipe import PROJECTION, RADIOGRAPH, Recipe, Tables
from curation.release.sources import Sources


def tables(sources: Sources, images: Sequence[ReleaseImage]) -> Tables:
    """The recipe's own tables beside the spine, by file name."""
    reports = Reports(sources)
    by_study = images_by_study(images)
    split = sources.split_of
    hidden = HIDDEN if sources.settings.hidden_test else ""
    return {
        "reports": (ReleaseReport, list(reports.listed())),
        "sections": (
            ReleaseSection,
            [one for row in reports.kept for one in _sections(reports, row, split(row.patient_id))],
        ),
        "pairs": (
            ReleasePair,
            [
                replace(row, duplicate_group=row.report_id) if row.split == hidden else row
                for row in (
                    _pair(reports, own, by_study.get(reports.study_of(own.report_id) or "", ()), split(own.patient_id))
                    for own in reports.kept
                )
            ],
        ),
        "texts": (ReleaseText, list(reports.answers())),
    }


def _sections(reports: Reports, report: Report, split: str) -> Iterable[ReleaseSection]:
    for row in reports.sections(report):
        text = reports.words.words(row.report_id, row.start, row.end)
        yield ReleaseSection(row.report_id, row.position, row.name, split, row.start, row.body_start, row.end, text)


def _pair(reports: Reports, report: Report, images: Sequence[ReleaseImage], split: str) -> ReleasePair:
    frontal, lateral = first(images, FRONTAL), first(images, LATERAL)
    return ReleasePair(
        report_id=report.report_id,
        study_id=reports.study_of(report.report_id),
        patient_id=report.patient_id,
        split=split,
        image_ids=tuple(image.image_id for image in images),
        views=tuple(image.view for image in images),
        key_image_id=frontal.image_id if frontal else None,
        lateral_id=lateral.image_id if lateral else None,
        **{name: reports.said(report, name) for name in GIVEN},
        flags=tuple(sorted(name for name, is_so in _flags(reports, report, images).items() if is_so)),
        duplicate_group=reports.group(report.report_id),
    )


def _flags(reports: Reports, report: Report, images: Sequence[ReleaseImage]) -> Mapping[str, bool]:
    findings, impression = (reports.has(report, name) for name in (FINDINGS, IMPRESSION))
    return {
        "no_image": not images,
        "no_frontal": bool(images) and not first(images, FRONTAL),
        "no_findings": not findings,
        "no_impression": not impression,
        "impression_only": impression and not findings,
        "text_withheld": reports.words.withheld(report.report_id),
    }


RECIPE = Recipe(
    name="report-pairs",
    tags=("chest-x-ray", "report-generation", "image-to-text"),
    kinds=(RADIOGRAPH, PROJECTION),
    about={
        "reports": "one report: its clean text where its licence allows, and the reports that say nearly the same",
        "sections": "one section of one report, by character offsets; together the sections are the report",
        "pairs": "one report with the images of its study in order, and its indication, comparison and technique",
        "texts": "the findings and the impression of one report",
    },
    tables=tables,
    answers=("reports", "sections", "texts"),
    checks=(wrong_rows, wrong_sections, wrong_words, wrong_images, wrong_flags, wrong_groups),
)
