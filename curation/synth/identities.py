"""Made-up people: names, identifiers and dates that belong to nobody, and the record of what was planted where.

All of it follows from a seed string, so that patient 7 is the same person on every machine and in every cohort size.
Surnames have eight letters or more, are no words of any language we know, and so are safe to search for in any output.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from random import Random

ISSUER = "SYNTHETIC"
_HOUSE = "Harrowmere"  # values are put together here, so that none of them stands in git as it is planted
INSTITUTIONS = tuple(
    f"{_HOUSE} {name}" for name in ("Quellstad Hospital", "Tarnbrook Clinic", "Ulverdal Medical Center")
)
INSTITUTION = INSTITUTIONS[0]
"""Where everybody is seen who is not said to be seen elsewhere."""
INSTITUTION_ADDRESS = ", ".join(("4127 Vintelgate Lane", "Norbrask", "ZZ 09417"))
STATION = f"{_HOUSE.upper()}-CT1"
PEER = f"{_HOUSE.upper()}_PACS1"
"""An application entity title, at most 16 characters."""
MIN_LENGTH = 6  # shorter values turn up by chance in any large file

_SURNAME = (  # syllables, one of each row
    "Var Tes Quel Brin Zor Mek Dul Fenn Gol Hask Jor Kev Lumm Nor Pell Rusk Sol Tam Ulv Wex Yor Drev Skal Thor",
    "a e o i u an er ol im ux",
    "dovik mirsk quist zelwick brandt stokva vanelo lundra gresk tharn pollux wennik zabro kessim fjeld",
)
_GIVEN = {
    "F": ("Mirel Tovi Saff Quen Ysol Brun Elvi Ond Kali Zer Liv Nerr", "dissa wenna lotte rianna quilla"),
    "M": ("Tarv Jostr Brek Ulri Quent Osk Vand Drux Helm Zabr Ketv Fenr", "okard imund olfen aquel endric"),
}
_STREETS = "Quellwick Tarnbrook Vintelgate Oskmoor Drevlund Zelbrook"
_TOWNS = "Norbrask Fennmark Ulverdal Tesholm"
_MONTHS = "January February March April May June July August September October November December"


@dataclass(frozen=True)
class Person:
    """A patient or a physician; physicians use only their names and phone, patients also where they are seen."""

    last: str
    first: str
    sex: str
    birth: date
    patient_id: str
    phone: str
    address: str
    institution: str = INSTITUTION

    @property
    def dicom_name(self) -> str:
        """``LAST^FIRST``, as in a PN element."""
        return f"{self.last}^{self.first}".upper()

    @property
    def full_name(self) -> str:
        """``First Last``."""
        return f"{self.first} {self.last}"

    @property
    def title(self) -> str:
        """Mr. or Ms."""
        return "Mr." if self.sex == "M" else "Ms."


def person(seed: str, sex: str = "") -> Person:
    """The person who belongs to ``seed``; ``sex`` is M or F, or empty to let the seed decide."""
    chance = Random(f"paxflow person {seed}")
    sex = sex or chance.choice("FM")
    return Person(
        last=_spell(chance, _SURNAME),
        first=_spell(chance, _GIVEN[sex]),
        sex=sex,
        birth=date(chance.randint(1925, 1984), chance.randint(1, 12), chance.randint(1, 28)),
        patient_id=f"SYN-{chance.randint(1000000, 9999999)}-{chance.choice('ABCDEFGHJK')}",
        phone=f"(555) 01{chance.randint(0, 9)}-{chance.randint(1000, 9999)}",
        address=f"{chance.randint(11, 9899)} {chance.choice(_STREETS.split())} Lane, {chance.choice(_TOWNS.split())}",
    )


def _spell(chance: Random, syllables: tuple[str, ...]) -> str:
    return "".join(chance.choice(row.split()) for row in syllables)


def physician(chance: Random) -> Person:
    """One of sixteen physicians: they recur across patients, as in any hospital."""
    return person(f"physician {chance.randrange(16)}")


def accession(chance: Random, day: date) -> str:
    """An AccessionNumber of that year, at most 16 characters (VR SH)."""
    return f"ACX{day.year}-{chance.randint(0, 9999999):07d}"


def age(birth: date, day: date) -> int:
    """Completed years on ``day``."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


# --- how people write dates ------------------------------------------------------------------------------


def digits(day: date) -> str:
    """``19480304``, as in a DA element."""
    return f"{day:%Y%m%d}"


def numeric(day: date) -> str:
    """``03/04/1948``."""
    return f"{day.month:02d}/{day.day:02d}/{day.year}"


def long(day: date) -> str:
    """``March 4, 1948``; spelled here because ``strftime`` follows the machine's locale."""
    return f"{_MONTHS.split()[day.month - 1]} {day.day}, {day.year}"


def dashed(day: date) -> str:
    """``04-MAR-1948``."""
    return f"{day.day:02d}-{_MONTHS.split()[day.month - 1][:3].upper()}-{day.year}"


# --- sentences that name people --------------------------------------------------------------------------

_OPENINGS = (
    "{p.first} {p.last} (MRN {p.patient_id}, DOB {numeric}) is here today.",
    "Patient: {LAST}, {FIRST}. DOB: {numeric}. MRN: {p.patient_id}.",
    "{p.title} {p.last} was born on {long} and is under the care of Dr. {r.first} {r.last}.",
    "{LAST}, {FIRST}; medical record number {p.patient_id}; date of birth {dashed}.",
    "Requested by Dr. {r.last} for {p.title} {p.last}, callback {r.phone}.",
    "This is {p.first} {p.last}, accession {accession}, sent from {institution}.",
)
_SIGNATURES = (
    "Electronically signed by Dr. {s.first} {s.last} on {numeric} {time}. Call {s.phone}.",
    "Dictated by: {LAST}, {FIRST} MD. Signed {long} {time}.",
    "Interpreted by {s.first} {s.last}, M.D., {institution}, {s.phone}.",
    "Results called to Dr. {r.last} at {time} on {dashed}. /s/ {s.first} {s.last} MD",
)


@dataclass(frozen=True)
class Visit:
    """One report's people and its moment."""

    patient: Person
    referring: Person
    signer: Person
    accession: str
    moment: datetime


def visit(seed: str, patient: Person, day: date) -> Visit:
    """The visit of ``patient`` on ``day`` that belongs to ``seed``."""
    chance = Random(f"paxflow visit {seed}")
    moment = datetime(day.year, day.month, day.day, chance.randint(7, 18), chance.randint(0, 59))
    return Visit(patient, physician(chance), physician(chance), accession(chance, day), moment)


def opening(visit: Visit, planted: "Planted") -> str:
    """A sentence that names the patient, for the head of an indication."""
    template = _pick(_OPENINGS, visit)
    p, birth = visit.patient, visit.patient.birth
    forms = {"numeric": numeric(birth), "long": long(birth), "dashed": dashed(birth)}
    _note_used(planted, "birth_date", template, forms)
    _note_people(planted, visit)
    names = {"LAST": p.last.upper(), "FIRST": p.first.upper(), "institution": p.institution}
    return template.format(p=p, r=visit.referring, accession=visit.accession, **names, **forms)


def signature(visit: Visit, planted: "Planted") -> str:
    """The line under an impression: who signed, when, and whom to call."""
    template = _pick(_SIGNATURES, visit)
    s, day, time = visit.signer, visit.moment.date(), f"{visit.moment:%H:%M}"
    forms = {"numeric": numeric(day), "long": long(day), "dashed": dashed(day)}
    for form in ("numeric", "long"):
        if f"{{{form}}} {{time}}" in template:
            planted.add("signed_at", f"{forms[form]} {time}")
    _note_people(planted, visit)
    names = {"LAST": s.last.upper(), "FIRST": s.first.upper(), "institution": visit.patient.institution}
    return template.format(s=s, r=visit.referring, time=time, **names, **forms)


def _pick(templates: tuple[str, ...], visit: Visit) -> str:
    return Random(f"{visit.accession} {len(templates)}").choice(templates)


def _note_used(planted: "Planted", kind: str, template: str, forms: dict[str, str]) -> None:
    for form, value in forms.items():
        if f"{{{form}}}" in template:
            planted.add(kind, value)


def _note_people(planted: "Planted", visit: Visit) -> None:
    planted.add_patient(visit.patient)
    planted.add_physician(visit.referring)
    planted.add_physician(visit.signer)
    planted.add("accession", visit.accession)
    planted.add("institution", visit.patient.institution)


# --- what was planted ------------------------------------------------------------------------------------


@dataclass
class Planted:
    """Every planted value by kind: what no output outside the vault may hold.

    Kind ``birth_date_digits`` (``19480304``) and ``reader_id`` are bare digits that a hash can hold by chance: look for
    them as whole words. The other kinds can be searched for byte by byte.
    """

    values: set[tuple[str, str]] = field(default_factory=set)

    def add(self, kind: str, *values: str) -> None:
        """Note values of one kind; values that are too short to search for are left out."""
        self.values.update((kind, value) for value in values if len(value) >= MIN_LENGTH)

    def add_patient(self, patient: Person) -> None:
        """Note the names and the identifier of a patient."""
        self._add_names("patient_name", patient)
        self.add("patient_id", patient.patient_id)

    def add_physician(self, physician: Person) -> None:
        """Note the names and the phone of a physician."""
        self._add_names("physician", physician)
        self.add("phone", physician.phone)

    def _add_names(self, kind: str, person: Person) -> None:
        upper = (person.last.upper(), f"{person.last}, {person.first}".upper(), person.dicom_name)
        self.add(kind, person.last, person.first, person.first.upper(), person.full_name, *upper)

    def to_json(self) -> bytes:
        """``[{"kind": …, "value": …}, …]``, sorted, one a line."""
        return _lines({"kind": kind, "value": value} for kind, value in sorted(self.values))


def _lines(rows: Iterable[dict[str, str]]) -> bytes:
    body = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f"[\n{body}\n]\n".encode()
