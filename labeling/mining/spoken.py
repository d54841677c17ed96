"""What a sentence says of a finding, as it travels between the steps that read it."""

from typing import NamedTuple

from curation.records import NOT_NOW, PATIENT, Assertion, Temporality


class Said(NamedTuple):
    """A finding named once in one sentence; ``start`` and ``end`` are tokens while it is read, then characters."""

    start: int
    end: int
    finding: str
    assertion: Assertion
    rule_id: str
    assertion_rule_id: str
    temporality: Temporality = Temporality.UNSAID
    experiencer: str = PATIENT
    temporality_rule_id: str = ""
    laterality: str = ""
    severity: str = ""
    location: tuple[str, ...] = ()
    size_mm: float | None = None
    count_min: int | None = None
    count_max: int | None = None

    @property
    def is_current(self) -> bool:
        """Whether it speaks of this patient in this examination."""
        return self.experiencer == PATIENT and self.temporality not in NOT_NOW


class Spoken(NamedTuple):
    """The same in a whole text: ``start``, ``end`` and ``sentence`` are characters of it."""

    start: int
    end: int
    section: str
    sentence: tuple[int, int]
    finding: str
    assertion: Assertion
    rule_id: str
    assertion_rule_id: str
    temporality: Temporality
    experiencer: str
    temporality_rule_id: str
    laterality: str
    severity: str
    location: tuple[str, ...]
    size_mm: float | None
    count_min: int | None
    count_max: int | None

    @property
    def is_current(self) -> bool:
        """Whether it speaks of this patient in this examination; only such mentions make labels."""
        return self.experiencer == PATIENT and self.temporality not in NOT_NOW


def in_text(said: Said, section: str, sentence: tuple[int, int]) -> Spoken:
    """A mention of a sentence, placed in the text that holds it."""
    offset = sentence[0]
    return tuple.__new__(Spoken, (offset + said[0], offset + said[1], section, sentence, *said[2:]))  # twice as fast


def at(said: Said, start: int, end: int) -> Said:
    """The same, at another place."""
    return tuple.__new__(Said, (start, end, *said[2:]))
