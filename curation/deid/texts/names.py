"""Names of people in free text, where something beside them says so: a title, a credential, a role, a verb of telling.

A cue ends where a name may start; from there the name is read word by word. Some cues are so sure that they take any
word ("Dr. Long"), the others leave plain words of the language alone ("discussed with the Emergency Department").
"""

import re
from collections.abc import Iterator

from curation.deid.texts.cues import (
    CREDENTIAL,
    CUES,
    INITIALS_LINE,
    LETTERS_APART,
    NO_PART,
    RELATIVE_SMALL,
    SMALL_PAIR,
    SMALL_WORDS,
    TELLING,
    TITLE,
    TITLES,
    TOLD_TO,
    Cue,
)
from curation.deid.texts.report_words import (
    GIVEN,
    SURE_GIVEN,
    is_known,
    is_misspelt,
    is_plain,
    is_used_eponym,
    may_be_name,
)
from curation.deid.texts.spans import PEOPLE, PERSON, Masked, Span
from curation.deid.texts.spellings import contracted

MAX_WORDS = 4
MIN_GIVEN = 4  # letters; a shorter word that is a name too may be a given one: li
BEHIND = 40  # characters after a word that say whether it is an eponym
MAX_TITLES = MAX_CREDENTIALS = 4
_WORD = re.compile(
    rf"(?P<mark>{PERSON}+)|(?P<initials>[A-ZÀ-ÖØ-Þ]\.(?:[ ]?[A-ZÀ-ÖØ-Þ]\.)*(?![a-z]))|"
    r"(?P<word>[^\W\d_]+(?:['’-](?![sS]\b)[^\W\d_]+)*)"
)
_PARTICLES = re.compile(
    r"(?:(?:van|von|der|den|de|del|della|da|dos|das|di|du|la|le|el|al|bin|ibn|ter|ten|af|av|zu|St\.|Ste\.)\s+){1,3}"
    r"(?=[^\W\d_a-z])"
)
_GAP = re.compile(r"(?P<comma>[ \t]?,)[ \t]{0,2}\n?|[ \t]{1,2}|[ \t]*\n[ \t]*|(?<=\.)")
_VIETNAMESE = re.compile(r"[ĂăƠơƯưĐđ\u1ea0-\u1ef9]")
"""Letters of Vietnamese alone: what is written with a capital after them is a name, "An" too."""
_AND = re.compile(r"(?i)\s*(?:,\s*(?:and\s+)?|[/&]\s*|\band\s+|\bor\s+)")


def find_names(masked: Masked) -> None:
    """Hide the names that a cue announces, and those that a credential follows."""
    for cue in CUES:
        masked.hide([span for found in cue.pattern.finditer(masked.text) for span in _read_all(masked, found, cue)])
    masked.hide(
        [
            span
            for found in TOLD_TO.pattern.finditer(masked.text)
            if _may_start(masked, found.end())
            and TELLING.search(masked.text[max(0, found.start() - 90) : found.start()])
            for span in _read_all(masked, found, TOLD_TO)
        ]
    )
    masked.hide([span for found in LETTERS_APART.finditer(masked.text) for span in _letters_apart(masked, found)])
    masked.hide(
        [
            person(masked, *found.span("it"), "relative", "relative_small")
            for found in RELATIVE_SMALL.finditer(masked.text)
            if found["it"] in GIVEN and not is_no_name(found["it"])
        ]
    )
    masked.hide([span for found in SMALL_PAIR.finditer(masked.text) for span in _small_pair(masked, found)])
    masked.hide([span for found in CREDENTIAL.finditer(masked.text) for span in _read_back(masked, found)])
    masked.hide(
        [Span(*found.span(1), "clinician", "initials", "initials") for found in INITIALS_LINE.finditer(masked.text)]
    )


def person(masked: Masked, start: int, end: int, kind: str, rule_id: str) -> Span:
    """A stretch as a person: the one already found in it where the name proper was found, else one by that name."""
    first, last = _core(masked.original, start, end)
    held = masked.at(first)
    if held and held.kind in PEOPLE:
        return Span(start, end, held.kind, rule_id, held.who)
    return Span(start, end, kind, rule_id, contracted(masked.original[first:last]))


def parts(name: str) -> list[str]:
    """The words of a name that tell whose it is, in one form; the family name's come first."""
    start, end = _core(name, 0, len(name))
    words = [found["word"] for found in _WORD.finditer(name) if found["word"]]
    telling = [contracted(word) for word in words if len(word) > 1 and word.lower() not in NO_PART]
    return list(dict.fromkeys([contracted(name[start:end]), *telling]))


def _core(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the family name stands: before a comma ("Last, First"), else the last word that is no credential."""
    words = [found.span() for found in _WORD.finditer(text, start, end) if not found["initials"]]
    telling = [(a, b) for a, b in words if b - a > 1 and text[a:b].lower() not in NO_PART]
    if not telling:
        return words[-1] if words else (start, end)
    comma = text.find(",", telling[0][0], telling[-1][0])
    return [span for span in telling if span[1] <= comma][-1] if comma >= 0 else telling[-1]


# --- forwards from a cue ---------------------------------------------------------------------------------


def _read_all(masked: Masked, found: re.Match[str], cue: Cue) -> Iterator[Span]:
    """The name after a cue, and those that ``and`` joins to it."""
    start, at, sure = (found.start() if cue.inside else found.end()), found.end(), cue.sure
    while end := read_name(masked, at, sure, commas=cue is not TITLES):
        yield person(masked, start, end, cue.kind, cue.rule_id)
        more = _AND.match(masked.text, end)
        if not more:
            return
        start = at = more.end()
        sure = False


def read_name(masked: Masked, at: int, sure: bool, commas: bool = True) -> int:
    """One past the name that starts at ``at``, with its titles and credentials; 0 if none does."""
    text = masked.text
    for _ in range(MAX_TITLES):
        if title := TITLE.match(text, at):
            at, sure = title.end(), True
    n_words, last = 0, None
    while n_words < MAX_WORDS and (word := _word_at(text, at)):
        if not (_continues(word, last, sure or masked.is_lower) if last else _begins(word, sure, masked.is_lower)):
            break
        n_words, last = n_words + (not word["initials"]), word
        gap = _GAP.match(text, word.end())
        if CREDENTIAL.match(text, word.end()) or not gap or (gap["comma"] and not (commas and n_words == 1)):
            break
        at = gap.end()
    return _last_credential(text, last.end()) if last and n_words else 0


def _word_at(text: str, at: int) -> re.Match[str] | None:
    """The word that starts here, or after particles such as ``van der``."""
    particles = _PARTICLES.match(text, at)
    return _WORD.match(text, particles.end() if particles else at)


def _may_start(masked: Masked, at: int) -> bool:
    word = _WORD.match(masked.text, at)
    return TITLE.match(masked.text, at) is not None or (word is not None and _begins(word, False, masked.is_lower))


def is_no_name(word: str) -> bool:
    """Whether a word never is part of a name: a small word (but for Will, May, Art), or one that was crossed out."""
    is_small = word.lower() in SMALL_WORDS and not (word.istitle() and word.lower() in GIVEN)
    return is_small or "xx" in word.lower()


def _begins(found: re.Match[str], sure: bool, is_lower: bool) -> bool:
    """Whether a word can be the first of a name; after a sure cue it is one whatever it means.

    ``is_lower``: the text is written without capitals, so that a small letter says nothing.
    """
    word = found["word"]
    if not word or is_no_name(word):
        return not word
    if sure:
        return len(word) > 1 or word.isupper()
    if word[0].islower() and not is_lower:
        return word in SURE_GIVEN or not (is_known(word) or is_misspelt(word))
    if word.isupper() and len(word) <= 3 and word.lower() not in GIVEN:
        return not is_known(word)  # initials, not a ward
    return not is_plain(word) and not is_used_eponym(word, found.string[found.end() : found.end() + BEHIND])


def _continues(found: re.Match[str], last: re.Match[str], sure: bool) -> bool:
    """Whether a word can be a further one of a name, after the word ``last``."""
    word = found["word"]
    if word and word.istitle() and _VIETNAMESE.search(last[0]):
        return True
    if not word or is_no_name(word):
        return not word
    if word[0].islower():
        is_word = len(word) == 1 or (is_plain(word) if sure else is_known(word))
        return not last[0][0].isupper() and not is_word
    if "\n" in found.string[last.end() : found.start()]:
        return not is_known(word)
    if sure and word.istitle():
        return True  # "Dr. Ada Heart": a name that is a plain word is rare, but a title leaves no doubt
    return not is_plain(word) and not is_used_eponym(word, found.string[found.end() : found.end() + BEHIND])


def _letters_apart(masked: Masked, found: re.Match[str]) -> Iterator[Span]:
    """``Q U A R N``, if the letters make no word."""
    if not is_plain("".join(filter(str.isalpha, found[0]))):
        yield person(masked, *found.span(), "person", "letters_apart")


def _small_pair(masked: Masked, found: re.Match[str]) -> Iterator[Span]:
    """A given name and a surname in small letters behind ``by``, both of which are words: "by rose young"."""
    given, family = found["given"], found["family"]
    if is_no_name(given) or is_no_name(family):
        return
    starts = (
        given in GIVEN or (len(given) < MIN_GIVEN and may_be_name(given)) or not (is_known(given) or is_misspelt(given))
    )
    if starts and (may_be_name(family) or not is_known(family)):
        yield person(masked, found.start("given"), found.end("family"), "clinician", "small_pair")


# --- backwards from a credential -------------------------------------------------------------------------


def _read_back(masked: Masked, credential: re.Match[str]) -> Iterator[Span]:
    """The name that ends where a credential starts: a plain word is part of it only with another before it."""
    text, start, at = masked.text, 0, credential.start()
    words = list(_WORD.finditer(text, max(0, at - 80), at))
    for word in words[: -MAX_WORDS - 1 : -1]:
        is_sure = word is words[-1] or not is_known(word[0])
        if text[word.end() : at].strip(" \t\n,") or not _begins(word, is_sure, masked.is_lower):
            break
        at = word.start()
        if not is_plain(word[0]):
            start = at + 1  # so that 0 is none
    if start:
        yield person(masked, start - 1, _last_credential(text, credential.start()), "clinician", "credential")


def _last_credential(text: str, end: int) -> int:
    """One past the credentials that follow a name."""
    for _ in range(MAX_CREDENTIALS):
        if credential := CREDENTIAL.match(text, end):
            end = credential.end()
    return end
