"""Who is in which split: as published, else as in the version before, else balanced or by a hash.

A split by hash needs no memory: a patient's place follows from salt and pseudonym alone, so nobody moves when others
arrive. A balanced split asks how many others are in a patient's stratum, and that changes as data grows: with new
patients, or a new study of an old one, the same rule would deal everybody out again. So it starts from the published
version before (``since``), keeps everybody who is in it, and deals out only who is new.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from curation.errors import InputError
from curation.records import SPLITS, OfficialSplit, Patient, ReleaseSplit
from curation.release.opened import Opened
from curation.release.strata import LABEL, Read, Stratum, deal, strata
from curation.settings import RecipeSettings
from curation.store import read_rows
from curation.workspace import Workspace

_HEX_DIGITS = 15


def assign(read: Read, settings: RecipeSettings, previous: Opened | None) -> Iterable[ReleaseSplit]:
    """The split of every patient of the catalog; ``previous`` is the version that a balanced split keeps.

    The rules, first one first: official; kept and then balanced if ``stratify`` asks for it; else derived. Raises
    InputError if the official split that is named has not been taken in, or is of nobody here, and UsageError for a
    label that there is not.
    """
    patients = sorted(row.patient_id for row in read(Patient))
    strata_of = strata(read, settings.stratify) if settings.stratify else {}
    official = _official(read, settings, patients)
    kept = _kept(previous) if settings.stratify else {}
    known = {patient: split for patient, split in (kept | official).items() if patient in strata_of}
    dealt = _balanced(strata_of, known, settings)
    rules = (("official", official), ("kept", kept), ("balanced", dealt))
    for patient in patients:
        source, split = next(
            ((source, splits[patient]) for source, splits in rules if patient in splits),
            ("derived", hashed(patient, settings)),
        )
        stratum = _told(strata_of.get(patient, ()), split, settings)
        yield ReleaseSplit(patient, split, source, settings.split_salt, stratum)


def _told(stratum: Stratum, split: str, settings: RecipeSettings) -> str:
    """A stratum in words; of a hidden test without labels, which are answers."""
    hides = settings.hidden_test and split == "test"
    values = zip(settings.stratify if stratum else (), stratum, strict=True)
    return ", ".join(value for name, value in values if not (hides and name.startswith(LABEL)))


def split_of_each(workspace: Workspace, recipe: str) -> Callable[[str], str]:
    """Asks for a patient's split before there is a release: as the next build would have it, as far as can be told.

    Where a version before is named (``since``), what lies in ``release/<recipe>`` stands for it: that has kept its
    splits. Whoever is not in the catalog gets the hash.
    """
    settings = workspace.settings.recipes[recipe]
    folder = workspace.root / "release" / recipe
    previous = Opened(folder) if settings.since and (folder / "splits.parquet").is_file() else None
    rows = assign(lambda record: read_rows(record, workspace.tables(record.about.stage)), settings, previous)
    known = {row.patient_id: row.split for row in rows}
    return lambda patient_id: known.get(patient_id) or hashed(patient_id, settings)


def hashed(patient_id: str, settings: RecipeSettings) -> str:
    """A patient's split: a hash of salt and pseudonym as a fraction, against the cumulated shares.

    It depends on nothing else, so a patient never moves when others arrive.
    """
    value = int(_hash(patient_id, settings)[:_HEX_DIGITS], 16) / 16**_HEX_DIGITS
    total = 0.0
    for name, share in settings.split:
        total += share
        if value < total:
            return name
    return "test"


def _hash(patient_id: str, settings: RecipeSettings) -> str:
    return hashlib.sha256(f"{settings.split_salt}/{patient_id}".encode()).hexdigest()


def _official(read: Read, settings: RecipeSettings, patients: Sequence[str]) -> dict[str, str]:
    if not settings.official:
        return {}
    found = {row.patient_id: row.split for row in read(OfficialSplit) if row.name == settings.official}
    if not found:
        raise InputError(
            f"there is no official split '{settings.official}' here: take it in with "
            f"`paxflow release official FILE --name {settings.official}`"
        )
    if patients and not found.keys() & set(patients):
        raise InputError(
            f"no patient here is in the official split '{settings.official}': if the images have an IssuerOfPatientID, "
            "take it in again with `--issuer`"
        )
    return found


def _kept(previous: Opened | None) -> dict[str, str]:
    if previous is None:
        return {}
    rows = previous.table("splits")
    return dict(zip(rows["patient_id"].to_list(), rows["split"].to_list(), strict=True))


def _balanced(
    strata_of: Mapping[str, Stratum], known: Mapping[str, str], settings: RecipeSettings
) -> Mapping[str, str]:
    """The split of everybody who is not ``known``; within a stratum they are served in order of their hash."""
    waiting: dict[Stratum, list[str]] = defaultdict(list)
    given: dict[Stratum, list[str]] = defaultdict(list)
    for patient in sorted(strata_of.keys() - known.keys(), key=lambda patient: _hash(patient, settings)):
        waiting[strata_of[patient]].append(patient)
    for patient, split in known.items():
        given[strata_of[patient]].append(split)
    return deal(waiting, given, [(name, getattr(settings.split, name)) for name in SPLITS])
