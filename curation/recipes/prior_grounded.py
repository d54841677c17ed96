"""The ``prior-grounded`` recipe: frontal images with what came before them, and sentences with their places.

The prior of an image is the last earlier study of its patient that has a frontal image: of the same kind (radiograph or
projection) if there is one, whatever else lies between. All images of a day share it; a day with a frontal radiograph
counts as a radiograph's. ``texts`` and ``phrases`` are the answers of a hidden test, and so are its prior reports.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from curation.recipes.phrases import Phrases
from curation.recipes.prior_grounded_checks import wrong_phrases, wrong_priors, wrong_reports
from curation.recipes.studies import FRONTAL, GIVEN, LATERAL, Reports, first, images_by_study, order
from curation.recipes.text_checks import wrong_groups
from curation.records import ReleaseGrounded, ReleaseImage, ReleaseSentence, ReleaseText, Report, Study
from curation.release.hidden import HIDDEN
from curation.release.recipe import PROJECTION, RADIOGRAPH, Recipe, Tables
from curation.release.sources import Sources


def tables(sources: Sources, images: Sequence[ReleaseImage]) -> Tables:
    """The recipe's own tables beside the spine, by file name."""
    reports = Reports(sources)
    by_study = images_by_study(images)
    return {
        "grounded": (ReleaseGrounded, list(_grounded(sources, reports, by_study))),
        "phrases": (ReleaseSentence, list(Phrases(sources, reports, by_study).rows())),
        "texts": (ReleaseText, list(reports.answers())),
    }


def priors(images: Iterable[ReleaseImage], dates: Mapping[str, date | None]) -> Mapping[str, ReleaseImage]:
    """The prior of each frontal image that has one, by image; ``dates`` are those of studies."""
    days: dict[tuple[str, date], list[ReleaseImage]] = defaultdict(list)
    for image in images:
        day = dates[image.study_id]
        if image.view in FRONTAL and day:
            days[image.patient_id, day].append(image)
    found = {}
    last: dict[tuple[str, str], ReleaseImage] = {}  # of patient and kind
    for (patient_id, _), own in sorted(days.items(), key=lambda day: day[0]):
        best = min(own, key=lambda image: order(image.kind, image.view, image.image_id))
        other = PROJECTION if best.kind == RADIOGRAPH else RADIOGRAPH
        prior = last.get((patient_id, best.kind)) or last.get((patient_id, other))
        if prior:
            found.update({image.image_id: prior for image in own})
        for image in sorted(own, key=lambda image: order(image.kind, image.view, image.image_id), reverse=True):
            last[patient_id, image.kind] = image
    return found


def _grounded(
    sources: Sources, reports: Reports, by_study: Mapping[str, Sequence[ReleaseImage]]
) -> Iterable[ReleaseGrounded]:
    dates = {row.study_id: row.study_date for row in sources.rows(Study)}
    images = [image for own in by_study.values() for image in own]
    before = priors(images, dates)
    described = {study_id: next(iter(reports.of_study(study_id)), None) for study_id in by_study}
    for image in images:
        if image.view in FRONTAL:
            prior = before.get(image.image_id)
            earlier = described[prior.study_id] if prior else None
            hidden = sources.settings.hidden_test and image.split == HIDDEN
            report = described[image.study_id]
            lateral = first(by_study[image.study_id], LATERAL)
            yield ReleaseGrounded(
                image_id=image.image_id,
                study_id=image.study_id,
                patient_id=image.patient_id,
                split=image.split,
                study_date=dates[image.study_id],
                lateral_id=lateral.image_id if lateral else None,
                report_id=report.report_id if report else None,
                prior_study_id=prior.study_id if prior else None,
                prior_image_id=prior.image_id if prior else None,
                prior_report_id=earlier.report_id if earlier else None,
                days_between=_days(dates, prior, image) if prior else None,
                **_given(reports, report),
                prior_report=None if hidden else _known(reports, earlier, dates[image.study_id]),
            )


def _known(reports: Reports, earlier: Report | None, today: date | None) -> str | None:
    """The words of the prior's report, unless it was written after the study: nobody could have read it then."""
    if earlier is None or (earlier.report_date and today and earlier.report_date > today):
        return None
    return reports.words.text(earlier.report_id)


def _days(dates: Mapping[str, date | None], prior: ReleaseImage, image: ReleaseImage) -> int | None:
    earlier, now = dates[prior.study_id], dates[image.study_id]
    return (now - earlier).days if earlier and now else None


def _given(reports: Reports, report: Report | None) -> Mapping[str, str | None]:
    return {name: reports.said(report, name) if report else None for name in GIVEN}


RECIPE = Recipe(
    name="prior-grounded",
    tags=("chest-x-ray", "report-generation", "visual-grounding"),
    kinds=(RADIOGRAPH, PROJECTION),
    about={
        "grounded": "one frontal image with its lateral, its report, and the image and report that came before it",
        "phrases": "one sentence of one report on one frontal image, with what it says and the boxes where that lies",
        "texts": "the findings and the impression of one report",
    },
    tables=tables,
    answers=("phrases", "texts"),
    checks=(wrong_priors, wrong_reports, wrong_phrases, wrong_groups),
)
