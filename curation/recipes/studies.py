"""What recipes with reports share: the images of a study in order, its reports, and the words of their sections."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from curation.recipes.words import Words
from curation.records import ReleaseImage, ReleaseReport, ReleaseText, Report, ReportLink, Section
from curation.release.duplicates import crossing, near_duplicates
from curation.release.recipe import PROJECTION
from curation.release.sources import Sources

FRONTAL, LATERAL = ("PA", "AP"), ("LAT", "RL")
"""Views, in the order in which images are chosen."""
FINDINGS, IMPRESSION, PREAMBLE = "findings", "impression", "preamble"
GIVEN = ("indication", "comparison", "technique")
"""Sections that say why and how an image was made, not what is seen; history is indication, examination technique."""


# --- images ----------------------------------------------------------------------------------------------


def order(kind: str, view: str, image_id: str) -> tuple[int, str]:
    """Sorts the images of a study: PA, AP, projected PA and AP, laterals, others."""
    if view in FRONTAL:
        return (FRONTAL.index(view) + len(FRONTAL) * (kind == PROJECTION), image_id)
    return (2 * len(FRONTAL) + (view not in LATERAL), image_id)


def images_by_study(images: Iterable[ReleaseImage]) -> Mapping[str, Sequence[ReleaseImage]]:
    """The images of each study, in order."""
    by_study: dict[str, list[ReleaseImage]] = defaultdict(list)
    for image in sorted(images, key=lambda image: order(image.kind, image.view, image.image_id)):
        by_study[image.study_id].append(image)
    return by_study


def first(images: Iterable[ReleaseImage], views: Collection[str]) -> ReleaseImage | None:
    """The first image with one of the views."""
    return next((image for image in images if image.view in views), None)


# --- reports ---------------------------------------------------------------------------------------------


class Reports:
    """The reports of a release; of those that say nearly the same, none stand in two splits.

    What is missing or repeated is judged by the whole text, also where the text itself is not passed on.
    """

    def __init__(self, sources: Sources) -> None:
        self.words = Words(sources)
        self._sources = sources
        self._texts = {row.report_id: row.text for row in sources.rows(Report)}
        self._sections: dict[str, list[Section]] = defaultdict(list)
        for section in sources.rows(Section):
            self._sections[section.report_id].append(section)
        self._groups = near_duplicates({name: self._compared(name) for name in self._texts})
        self.kept = self._keep()
        self._study_of = {link.report_id: link.study_id for link in sources.rows(ReportLink)}
        self._of_study: dict[str, list[Report]] = defaultdict(list)
        for report in self.kept:
            self._of_study[self._study_of.get(report.report_id, "")].append(report)

    def _compared(self, report_id: str) -> str:
        said = [self._said(report_id, name) for name in (FINDINGS, IMPRESSION)]
        return "\n".join(filter(None, said)) or self._texts[report_id]

    def _keep(self) -> list[Report]:
        rows = self._sources.rows(Report)
        splits = {row.report_id: self._sources.split_of(row.patient_id) for row in rows}
        twins = crossing({name: (self.group(name), split) for name, split in splits.items()})
        for row in rows:
            if row.report_id in twins:
                self._sources.leave_out(
                    "report", row.report_id, row.patient_id, "near_duplicate_report", twins[row.report_id]
                )
        return [row for row in rows if row.report_id not in twins]

    def group(self, report_id: str) -> str:
        """The smallest report_id of those that say nearly the same."""
        return self._groups[report_id]

    def study_of(self, report_id: str) -> str | None:
        """The study that a report describes."""
        return self._study_of.get(report_id)

    def of_study(self, study_id: str) -> Sequence[Report]:
        """A study's reports: those with findings first, then by date (undated ones last), so addenda come later."""
        own = self._of_study.get(study_id, ())
        return sorted(own, key=lambda row: (not self.has(row, FINDINGS), row.report_date or date.max, row.report_id))

    def sections(self, report: Report) -> Sequence[Section]:
        """The sections, which cover the text; a text that was not mined is all preamble."""
        whole = [Section(report.report_id, 0, PREAMBLE, 0, len(report.text), 0)] if report.text else []
        return self._sections.get(report.report_id, whole)

    def has(self, report: Report, name: str) -> bool:
        """Whether it has a section of that name that says something."""
        return bool(self._said(report.report_id, name))

    def said(self, report: Report, name: str) -> str | None:
        """The words of all sections of that name; None without any, or if they are withheld."""
        return None if self.words.withheld(report.report_id) else self._said(report.report_id, name) or None

    def _said(self, report_id: str, name: str) -> str:
        text = self._texts[report_id]
        own = self._sections.get(report_id, ())
        return joined(text[row.body_start : row.end] for row in own if row.name == name)

    def listed(self) -> Iterable[ReleaseReport]:
        """The reports as a release has them, without their words where these are withheld."""
        for row in self.kept:
            yield ReleaseReport(
                report_id=row.report_id,
                patient_id=row.patient_id,
                study_id=self.study_of(row.report_id),
                split=self._sources.split_of(row.patient_id),
                report_date=row.report_date,
                collection=row.collection,
                licence=row.licence,
                duplicate_group=self.group(row.report_id),
                n_characters=len(row.text),
                text=self.words.text(row.report_id),
            )

    def answers(self) -> Iterable[ReleaseText]:
        """What each report says of its images."""
        for row in self.kept:
            yield ReleaseText(
                report_id=row.report_id,
                patient_id=row.patient_id,
                split=self._sources.split_of(row.patient_id),
                licence=row.licence,
                findings=self.said(row, FINDINGS),
                impression=self.said(row, IMPRESSION),
                duplicate_group=self.group(row.report_id),
            )


def joined(bodies: Iterable[str]) -> str:
    """Bodies of sections of one name as one text, with a blank line between."""
    return "\n\n".join(filter(None, map(str.strip, bodies)))
