"""Sentences of reports on the frontal images of their study: what each says, and where that lies."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from curation.recipes.studies import FINDINGS, FRONTAL, IMPRESSION, PREAMBLE, Reports
from curation.records import (
    NOT_NOW,
    Mention,
    ReleaseImage,
    ReleaseSentence,
    Report,
    Says,
    SentenceGrounding,
    Temporality,
)
from curation.release.sources import Sources
from curation.sentences import sentences

SPOKEN = frozenset((FINDINGS, IMPRESSION, "addendum", "preliminary", PREAMBLE))
"""Sections that say what is seen: those that mining reads."""
_NEGATIVE = (Says.ABSENT, Says.NORMAL)
_OWN = "study"
"""The reference of what lies on the study's own images, not on the atlas."""
Sentence = tuple[str, int]
"""Report, and first character of the sentence."""


class Phrases:
    """Sentences with what was mined from them and where it was grounded."""

    def __init__(self, sources: Sources, reports: Reports, by_study: Mapping[str, Sequence[ReleaseImage]]) -> None:
        self._sources = sources
        self._reports = reports
        self._by_study = by_study
        self._texts = {row.report_id: row.text for row in sources.rows(Report)}
        self._mentions: dict[Sentence, list[Mention]] = defaultdict(list)
        for mention in sources.rows(Mention):
            self._mentions[mention.report_id, mention.sentence_start].append(mention)
        self._places: dict[Sentence, list[SentenceGrounding]] = defaultdict(list)
        for row in sources.rows(SentenceGrounding):
            if row.reference == _OWN:
                self._places[row.report_id, row.sentence_start].append(row)

    def rows(self) -> Iterable[ReleaseSentence]:
        """Every sentence of every report, on every frontal image of its study; without a place it has no boxes."""
        for report in self._reports.kept:
            study_id = self._reports.study_of(report.report_id) or ""
            images = [image for image in self._by_study.get(study_id, ()) if image.view in FRONTAL]
            if images:
                yield from self._of_report(report, images)

    def _of_report(self, report: Report, images: Sequence[ReleaseImage]) -> Iterable[ReleaseSentence]:
        for section in self._reports.sections(report):
            if section.name in SPOKEN:
                for start, end in sentences(report.text, section.body_start, section.end):
                    for image in images:
                        yield self._row(report, image, section.name, (start, end))

    def _row(self, report: Report, image: ReleaseImage, section: str, span: tuple[int, int]) -> ReleaseSentence:
        mentions = self._mentions.get((report.report_id, span[0]), ())
        places = self._places.get((report.report_id, span[0]), ())
        says = said(mentions, places)
        here = sorted((row.label, row.box) for row in places if row.view_id == image.image_id)
        return ReleaseSentence(
            report_id=report.report_id,
            start=span[0],
            image_id=image.image_id,
            end=span[1],
            patient_id=report.patient_id,
            split=image.split,
            section=section,
            sentence=self._reports.words.words(report.report_id, *span),
            says=says,
            negated=says in _NEGATIVE,
            findings=tuple(sorted({mention.finding for mention in mentions})),
            progression=tuple(sorted({mention.temporality for mention in mentions} - _NO_PROGRESSION)),
            labels=tuple(label for label, _ in here),
            boxes=tuple(number for _, box in here for number in box),
        )


_NO_PROGRESSION = NOT_NOW | {Temporality.UNSAID}
_STRENGTH = tuple(Says)


def said(mentions: Iterable[Mention], places: Iterable[SentenceGrounding]) -> Says:
    """What a sentence says: the strongest of what it says of findings now, and of places without a finding."""
    says = {Says(mention.assertion.value) for mention in mentions if mention.is_current}
    return min(says | {row.says for row in places}, key=_STRENGTH.index, default=Says.UNSTATED)
