"""Strata: what a split can be balanced by, in readable text, and how seats are dealt out within them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from curation.errors import UsageError
from curation.records import CHEXPERT, Patient, Radiograph, Report, ReportLabel, Series, Study, View

Read = Callable[[type[Any]], list[Any]]
"""Gives all rows of a table."""
Stratum = tuple[str, ...]
"""One value of each attribute that was asked for, e.g. ``("sex=F", "age=60-69")``."""
UNKNOWN = "unknown"
LABEL = "label:"
_OLDEST = 90
"""Years: catalog says 90 for 90 and above."""
_PARTS = 10**9
"""Of one patient: shares are counted in whole parts, so that no sum depends on rounding."""


def strata(read: Read, asked: Sequence[str]) -> Mapping[str, Stratum]:
    """The stratum of every patient.

    ``asked``: sex; age (tens of years) and site of the first study; view (all views of all images); label:<CheXpert
    label> (whether a report says that it is present). Raises UsageError for a label that no report could have.
    """
    patients = [row.patient_id for row in read(Patient)]
    columns = {name: _values(read, name) for name in asked}
    return {
        patient: tuple(f"{name.removeprefix(LABEL)}={column.get(patient, UNKNOWN)}" for name, column in columns.items())
        for patient in patients
    }


def _values(read: Read, name: str) -> Mapping[str, str]:
    """What one attribute is, by patient."""
    if name.startswith(LABEL):
        return _says(read, name.removeprefix(LABEL))
    return {"sex": _sex, "age": _age, "site": _site, "view": _views}[name](read)


def _sex(read: Read) -> Mapping[str, str]:
    return {row.patient_id: row.sex or UNKNOWN for row in read(Patient)}


def _age(read: Read) -> Mapping[str, str]:
    return {patient: _decade(study.age_years) for patient, study in _first_studies(read).items()}


def _decade(years: int | None) -> str:
    if years is None:
        return UNKNOWN
    start = years // 10 * 10
    return f"{start:02d}-{start + 9:02d}" if years < _OLDEST else f"{_OLDEST}+"


def _site(read: Read) -> Mapping[str, str]:
    return {patient: study.site_id or UNKNOWN for patient, study in _first_studies(read).items()}


def _first_studies(read: Read) -> Mapping[str, Study]:
    """Each patient's earliest study; one without a date counts as the last."""
    found: dict[str, Study] = {}
    for study in sorted(read(Study), key=lambda row: (row.study_date or date.max, row.study_id)):
        found.setdefault(study.patient_id, study)
    return found


def _views(read: Read) -> Mapping[str, str]:
    patient_of = {row.series_id: row.patient_id for row in read(Series)}
    found: dict[str, set[str]] = defaultdict(set)
    for record in (Radiograph, View):
        for row in read(record):
            found[patient_of[row.series_id]].add(row.view or UNKNOWN)
    return {row.patient_id: "+".join(sorted(found.get(row.patient_id, ()))) or "none" for row in read(Patient)}


def _says(read: Read, label: str) -> Mapping[str, str]:
    rows = [row for row in read(ReportLabel) if row.label_set == CHEXPERT]
    known = {row.label for row in rows}
    if known and label not in known:
        raise UsageError(
            f"`stratify` names a label that CheXpert's set does not have: it has {', '.join(sorted(known))}"
        )
    patient_of = {row.report_id: row.patient_id for row in read(Report)}
    present = {patient_of[row.report_id] for row in rows if row.label == label and row.state == 1}
    return {row.patient_id: "present" if row.patient_id in present else "not present" for row in read(Patient)}


# --- deal ------------------------------------------------------------------------------------------------


def deal(
    waiting: Mapping[Stratum, Sequence[str]],
    given: Mapping[Stratum, Iterable[str]],
    shares: Sequence[tuple[str, float]],
) -> Mapping[str, str]:
    """The split of each patient who waits, so that every stratum has its shares.

    ``waiting``: patients of each stratum in the order in which they are served; ``given``: splits of those who have one
    already, which count. Within a stratum each goes to the split that lacks most, while one lacks a whole patient: so
    a stratum that starts empty ends less than one patient from its shares. What is left, at most a patient for each
    split, goes by minimisation (Pocock and Simon 1975): to the split that lacks most over all strata so far and over
    those that share a value with this one. Hence a thousand strata of one patient do not all end up in train.
    """
    parts = _whole_parts(shares)
    names = [name for name, _ in shares]
    lacking: dict[str, list[int]] = defaultdict(lambda: [0] * len(parts))
    splits: dict[str, str] = {}
    for stratum in sorted(waiting.keys() | given.keys()):
        queue, old = waiting.get(stratum, ()), [names.index(split) for split in given.get(stratum, ())]
        size = len(queue) + len(old)
        lack = [part * size for part in parts]
        for split in old:
            lack[split] -= _PARTS
        margins = [lacking[value] for value in ("", *stratum)]
        for patient in queue:
            chosen = _most_wanting(lack, margins)
            lack[chosen] -= _PARTS
            splits[patient] = names[chosen]
        for margin in margins:
            margin[:] = map(sum, zip(margin, lack, strict=True))
    return splits


def _whole_parts(shares: Sequence[tuple[str, float]]) -> list[int]:
    parts = [round(share * _PARTS) for _, share in shares]
    largest = parts.index(max(parts))
    parts[largest] += _PARTS - sum(parts)
    return parts


def _most_wanting(lack: Sequence[int], margins: Sequence[Sequence[int]]) -> int:
    """The place of the split that the next patient goes to; of equals the first."""
    most = max(range(len(lack)), key=lack.__getitem__)
    if lack[most] >= _PARTS:
        return most
    wanting = [place for place, value in enumerate(lack) if value > 0]
    return max(wanting, key=lambda place: lack[place] + sum(margin[place] for margin in margins))
