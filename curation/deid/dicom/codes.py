"""Codes of published schemes: which code values name a concept and can be nothing else (PS3.16 Chapter 8, Annex D).

A code passes by the form its scheme gives it, with its check digit where there is one; a code of a hospital's own
scheme only if it is a short word, because a number may be anybody's.
"""

import re

CODE_VALUE, SCHEME, MEANING, LONG_CODE, VERSION = 0x00080100, 0x00080102, 0x00080104, 0x00080119, 0x00080103
_FORMS = {
    "DCM": r"\d{6}|[A-Z]{2,16}",
    "SCT": r"\d{6,18}",
    "SRT": r"[A-Z]-[0-9A-Z]{4,5}",
    "SNM3": r"[A-Z]-[0-9A-Z]{4,5}",
    "99SDM": r"[A-Z]-[0-9A-Z]{4,5}",
    "LN": r"\d{1,5}-\d",
    "UCUM": r"[A-Za-z0-9%/.*\[\]{}()'\"_^+\-]{1,16}",
    "RADLEX": r"RID\d{1,6}",
    "FMA": r"\d{4,6}",
    "NCIt": r"C\d{3,6}",
    "UMLS": r"C\d{7}",
    "MDC": r"\d{4,6}|\d{1,3}:\d{1,5}",
    "I10": r"[A-Z]\d\d(\.\d{1,2})?",
    "I10P": r"[A-Z0-9]{7}",
    "I9C": r"[VE]?\d{2,3}(\.\d{1,2})?",
    "IBSI": r"[0-9A-Z]{4}",
    "MSH": r"D\d{6}(\d{3})?",
    "NEU": r"\d{2,4}",
    "BARI": r"[A-Z0-9-]{1,8}",
    "ISO639_2": r"[a-z]{3}",
    "RFC5646": r"[a-z]{2,3}(-[A-Z]{2})?",
    "ISO3166_1": r"[A-Z]{2,3}",
}
_UNIT_DIGITS = re.compile(r"\d{4}")
_SHORT = re.compile(r"[A-Za-z]{0,4}\d{0,3}")
# The dihedral group D5 of J. Verhoeff, Error Detecting Decimal Codes, 1969; SNOMED CT uses it as it stands there.
_TURN = "0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104 9876543210"
_D5 = tuple(tuple(map(int, row)) for row in _TURN.split())
_SHUFFLE = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def is_published(scheme: str) -> bool:
    """Whether a coding scheme is one of those that this module knows."""
    return scheme in _FORMS


def is_code(scheme: str, value: str) -> bool:
    """Whether a value is a code of its scheme; of an unknown one, whether it is too short to be somebody's number."""
    form = _FORMS.get(scheme)
    if form is None:
        return _SHORT.fullmatch(value) is not None
    if not re.fullmatch(form, value):
        return False
    if scheme == "SCT":
        return _verhoeff(value)
    return not (scheme == "UCUM" and _UNIT_DIGITS.search(value)) and (scheme != "LN" or _mod10(value))


def _verhoeff(digits: str) -> bool:
    """The check digit of a SNOMED CT identifier."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        turned = int(digit)
        for _ in range(place % 8):
            turned = _SHUFFLE[turned]
        total = _D5[total][turned]
    return total == 0


def _mod10(code: str) -> bool:
    """The check digit of a LOINC code (Luhn)."""
    number, _, check = code.partition("-")
    doubled = [int(d) * (2 if place % 2 == 0 else 1) for place, d in enumerate(reversed(number))]
    return (sum(d // 10 + d % 10 for d in doubled) + int(check)) % 10 == 0
