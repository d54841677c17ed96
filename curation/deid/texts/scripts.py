"""Words of other scripts in a report in Latin letters: nothing but names is written so.

Two letters and more of Cyrillic, Greek, Arabic, Hebrew, Chinese, Japanese and the like; a single Greek letter is a sign
(\u03b1, \u00b5). A name of Vietnam is told by its letters, and takes the words with a capital behind it.
"""

import re

from curation.deid.texts.names import person
from curation.deid.texts.spans import Masked

_LETTER = r"[^\W\d_\x00-\u036f\u1e00-\u1eff\u2000-\u2bff\ufb00-\ufb06\uff21-\uff5a]"
_MARKED = rf"(?:{_LETTER}|[\u0300-\u036f\u0591-\u05c7\u064b-\u0655\u0900-\u0dff\u3099\u309a])"
_RUN = re.compile(rf"{_LETTER}{_MARKED}+(?:[ \t.\u00b7\u30fb-]{{1,2}}{_LETTER}{_MARKED}*)*")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_OTHER = re.compile(_LETTER)
_VIETNAMESE = re.compile(
    r"(?<![^\W_])(?=[^\W\d_]*[\u1ea0-\u1ef9])(?-i:[A-Z\u00c0-\u00dd\u0110])[^\W\d_]*"
    r"(?: [A-Z\u00c0-\u00dd\u0110\u01a0\u01af][^\W\d_]*){1,3}(?![^\W_])"
)


def find_other_scripts(masked: Masked) -> None:
    """Hide words of other scripts as people, if most of the text's letters are Latin."""
    if masked.text.isascii():
        return
    masked.hide([person(masked, *found.span(), "person", "vietnamese") for found in _VIETNAMESE.finditer(masked.text)])
    if len(_OTHER.findall(masked.text)) < len(_LATIN.findall(masked.original)):
        masked.hide([person(masked, *found.span(), "person", "script") for found in _RUN.finditer(masked.text)])
