"""Pseudonyms: what follows from a key, for identifiers, dates, times and ages.

Everything is a keyed hash (HMAC-SHA-256) of the original under a domain, so that any process on any day gives the same
answer and there is no map to lose. Without the key a pseudonym can neither be reversed nor guessed at by trying.
Sources: RFC 2104 (HMAC); DICOM PS3.5 B.2 (UIDs under 2.25); PS3.15 E.3.6 (dates moved by one shift per patient);
PS3.5 6.2 (AS, DA, DT, TM).

**The law of dates and times.** A patient has one number of days and one number of seconds (less than half an hour).
Dates move back by the days; times of day move back by the seconds, but never across midnight: what would is 000000.

- A date and its time stay a pair, wherever the two stand: DA beside TM, or one DT.
- Order is kept: of two moments written alike, the later never becomes the earlier.
- Intervals are kept, across studies and between images and reports, but for moments in the first half hour of a day,
  which may draw closer together.
- No original time of day stands, except 000000, and no whole date.
- A value keeps its precision: ``HHMM`` is the start of its minute and gives a minute, a fraction keeps its digits. A
  date without a day moves as the 15th, one without a month as 1 July, and may stay what it was.
"""

import hmac
import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

MAX_SHIFT_SECONDS = 1799  # less than half an hour, so that a time of day still says morning or night
_PAD = " \0"  # PS3.5 6.2: values of odd length are padded at their end
_DATE = re.compile(r"(?P<year>[0-9]{4})(?:(?P<month>[0-9]{2})(?P<day>[0-9]{2})?)?")
_OLD_DATE = re.compile(r"(?P<year>[0-9]{4})\.(?P<month>[0-9]{2})\.(?P<day>[0-9]{2})")
_TIME = re.compile(r"(?P<hour>[0-9]{2})(?:(?P<minute>[0-9]{2})(?:(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,6})?)?)?")
_OLD_TIME = re.compile(r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,6})?)?")
_OFFSET = re.compile(r"(?:\+(?:0[0-9]|1[0-3])[0-5][0-9]|\+1400|-(?!0000)(?:0[0-9]|1[01])[0-5][0-9]|-1200)\Z")
_AGE = re.compile(r"([0-9]{3})([DWMY])")
_PARTS_OF_AGE = {"D": 48, "W": 336, "M": 1461, "Y": 17532}  # of a day, 48 each: a year is 365.25 days


class Identifier(NamedTuple):
    """A value that identifies someone, and what it is: the kind may be shown, the value never."""

    kind: str
    value: str


@dataclass(frozen=True)
class Identity:
    """Turns originals into pseudonyms. An empty original gives an empty pseudonym."""

    key: bytes
    max_shift_days: int
    oldest_age_years: int

    def uid(self, original: str) -> str:
        """A UID under 2.25, from 128 bits of the hash: at most 44 characters."""
        return f"2.25.{int.from_bytes(self._mac('uid', original)[:16], 'big')}" if original else ""

    def patient(self, original: str) -> str:
        """``p`` and 16 hex digits, for a PatientID with its issuer (see ``patient_key``)."""
        return self._name("p", "patient", original, 16)

    def accession(self, original: str) -> str:
        """``a`` and 15 hex digits: the 16 characters that an AccessionNumber (SH) may have."""
        return self._name("a", "accession", original, 15)

    def report(self, collection: str, original: str) -> str:
        """``r`` and 16 hex digits; reports of two collections never share one."""
        return self._name("r", f"report/{collection}", original, 16)

    def reader(self, original: str) -> str:
        """``d`` and 16 hex digits, for whoever read."""
        return self._name("d", "reader", original, 16)

    def site(self, institution: str) -> str:
        """``s`` and 16 hex digits, for an InstitutionName; case, width and white space make no difference."""
        return self.thing("s", "site", " ".join(unicodedata.normalize("NFKC", institution).casefold().split()))

    def thing(self, letter: str, domain: str, original: str) -> str:
        """``letter`` and 16 hex digits, for what has no identifier of its own kind in DICOM."""
        return self._name(letter, domain, original, 16)

    def shift_days(self, original_patient: str) -> int:
        """By how many days the patient's dates move back: 1 to ``max_shift_days``."""
        return 1 + self._number("shift", original_patient) % self.max_shift_days

    def shift_seconds(self, original_patient: str) -> int:
        """By how many seconds the patient's times of day move back: 1 to 1799."""
        return 1 + self._number("shift of times", original_patient) % MAX_SHIFT_SECONDS

    def shift(self, original_patient: str, day: date | None) -> date | None:
        """A date moved back by the patient's shift; None if there is none, or it would fall before year 1."""
        try:
            return day and day - timedelta(days=self.shift_days(original_patient))
        except OverflowError:
            return None

    def shift_date(self, original_patient: str, da: str) -> str:
        """One DA value (``YYYYMMDD``, old ``YYYY.MM.DD``, or cut short) moved back; empty if it is invalid."""
        da = da.rstrip(_PAD)
        return self._moved_date(original_patient, _DATE.fullmatch(da) or _OLD_DATE.fullmatch(da))

    def shift_time(self, original_patient: str, tm: str) -> str:
        """One TM value (``HHMMSS.FFFFFF`` or cut short, old ``HH:MM:SS``) moved back; empty if it is invalid."""
        tm = tm.rstrip(_PAD)
        return _earlier(_TIME.fullmatch(tm) or _OLD_TIME.fullmatch(tm), self.shift_seconds(original_patient))

    def shift_datetime(self, original_patient: str, dt: str) -> str:
        """One DT value (``YYYYMMDDHHMMSS.FFFFFF&ZZXX`` or cut short) moved back; empty if it is invalid.

        The offset from UTC (``&ZZXX``) is dropped: it says where the scanner stood, and local time goes on without.
        """
        dt = _OFFSET.sub("", dt.rstrip(_PAD))
        day = self._moved_date(original_patient, _DATE.fullmatch(dt[:8]))
        if not dt[8:]:
            return day
        time = _earlier(_TIME.fullmatch(dt[8:]), self.shift_seconds(original_patient))
        return day + time if day and time else ""

    def age(self, value: str) -> str:
        """One AS value (``nnnD``, ``W``, ``M`` or ``Y``), capped at ``oldest_age_years``; empty if it is invalid."""
        found = _AGE.fullmatch(value.rstrip(_PAD))
        if not found:
            return ""
        old = int(found[1]) * _PARTS_OF_AGE[found[2]] >= self.oldest_age_years * _PARTS_OF_AGE["Y"]
        return f"{self.oldest_age_years:03d}Y" if old else found[0]

    def _moved_date(self, original_patient: str, found: re.Match[str] | None) -> str:
        """The date of a match at its own precision; empty if there is no such day, or no room to move."""
        if not found:
            return ""
        year, month, day = found["year"], found["month"], found["day"]
        try:
            moved = self.shift(original_patient, date(int(year), int(month or 7), int(day or (15 if month else 1))))
        except ValueError:
            return ""
        return f"{moved.year:04d}{moved.month:02d}{moved.day:02d}"[: 8 if day else 6 if month else 4] if moved else ""

    def _name(self, letter: str, domain: str, original: str, digits: int) -> str:
        return letter + self._mac(domain, original).hex()[:digits] if original else ""

    def _number(self, domain: str, original: str) -> int:
        return int.from_bytes(self._mac(domain, original)[:8], "big")

    def _mac(self, domain: str, original: str) -> bytes:
        return hmac.digest(self.key, f"paxflow/{domain}\0{original}".encode("utf-8", "surrogatepass"), "sha256")


def patient_key(patient_id: str, issuer: str) -> str:
    """PatientID with its issuer, as one string: the same number from two issuers is two patients."""
    patient_id, issuer = patient_id.strip(), issuer.strip()
    return f"{issuer}/{patient_id}" if issuer and patient_id else patient_id


def _earlier(found: re.Match[str] | None, seconds: int) -> str:
    """The time of a match moved back at its own precision, at most to midnight; empty if there is no such time."""
    if not found:
        return ""
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 60:  # 60 is a leap second
        return ""
    fraction = found["fraction"] or ""
    left = 3600 * hour + 60 * minute + second - seconds
    if left < 0:
        left, fraction = 0, re.sub("[0-9]", "0", fraction)
    clock = f"{left // 3600:02d}{left // 60 % 60:02d}{left % 60:02d}"
    return clock[: 6 if found["second"] else 4 if found["minute"] else 2] + fraction
