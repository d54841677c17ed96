"""Reads a short text piece by piece: words, parts of compounds, numbers, and what each is by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from curation.deid.texts.vocabulary import Level, fold, forms, grammar, is_ambiguous, level, vocabulary

BREAK = re.compile(r"[.;:!?)\]}\n](?:\s|$)|\n")
"""The end of a sentence, a bracket or a line."""


@dataclass(slots=True)
class Piece:
    """A word, a number or a stretch of a form of its own; ``named``: it goes as a name, so its neighbours may too."""

    start: int
    end: int
    text: str = ""
    word: str = ""
    level: Level = Level.UNKNOWN
    gone: bool = False
    named: bool = False
    day: date | None = None
    layout: str = ""

    @property
    def capital(self) -> bool:
        """Whether it is written as a name may be: Title, UPPER, DrMixed."""
        return self.text[:1].isupper()

    @property
    def titled(self) -> bool:
        """Whether it is written as a name is: one capital, then small letters."""
        return self.text.istitle()

    @property
    def clinical(self) -> bool:
        """Whether it is clinical, and a rare name at most."""
        return self.level is Level.CLINICAL and not is_ambiguous(self.word)

    @property
    def sure(self) -> bool:
        """Whether it is clinical and not known as anybody's name."""
        return self.clinical and self.word not in vocabulary().title


@dataclass(frozen=True)
class Reading:
    """A text and its pieces, in order."""

    text: str
    pieces: list[Piece]
    prose: bool
    caseless: bool

    def gap(self, number: int) -> str:
        """What stands between a piece and the next one."""
        return self.text[self.pieces[number].end : self.pieces[number + 1].start]

    def before(self, number: int) -> Piece | None:
        """The piece before, if no end of a sentence lies between."""
        if number and not BREAK.search(self.gap(number - 1)):
            return self.pieces[number - 1]
        return None

    def after(self, number: int) -> Piece | None:
        """The piece behind, if no end of a sentence lies between."""
        if number + 1 < len(self.pieces) and not BREAK.search(self.gap(number)):
            return self.pieces[number + 1]
        return None


# --- each piece by itself --------------------------------------------------------------------------------

_CREDENTIAL = r"(?:[Mm]\.[Dd]|[Pp][Hh]\.[Dd]|[Rr]\.[Nn]|[Dd]\.[Oo])(?![^\W_])"
# Marks of other scripts belong to their letters; between U+2000 and U+2BFF lie punctuation and signs.
_TOKEN = re.compile(rf"{_CREDENTIAL}|(?:[^\W_]|[^\x00-\u024f\u2000-\u2bff])+(?:['’ʼ`´](?:[^\W_])+)*")
_PART = re.compile(r"\d+|[A-ZÀ-ÖØ-Þ]+(?![a-zß-öø-ÿ])|[A-ZÀ-ÖØ-Þ]?[a-zß-öø-ÿ]+|[^\d]")
_PARTICLES = grammar("particles")
_MEASURED = grammar("measured")
_SIZE = re.compile(r"\d{1,4}(?:[x×]\d{1,4}){1,2}[a-z]{0,3}")
_DIGIT = re.compile(r"\d")
_WITH_FOUR = "bcltw"  # one letter and four figures: b1000, a window, a time
_SEPARATORS = re.compile(r"[\W_]+")
_MAX_DIGITS = 5
_LEET = str.maketrans("013457", "oleast")
_MIN_SPELLED = 5  # letters of a known word that is looked for with something between them


def pieces(text: str, words: frozenset[str], codes: frozenset[str]) -> Iterator[Piece]:
    """Each piece with a verdict of its own; those of ``words`` and ``codes`` go, and what the vocabulary lacks."""
    done = 0
    for found in _stretches(text, words, codes):
        yield from _tokens(text, done, found.start, words)
        yield Piece(found.start, found.end, gone=not found.layout, day=found.day, layout=found.layout)
        done = found.end
    yield from _tokens(text, done, len(text), words)


def _stretches(text: str, words: frozenset[str], codes: frozenset[str]) -> list[forms.Found]:
    """Forms, and known codes however they are grouped; a form that a code overlaps goes with it."""
    found = forms.find(text)
    squeezed = _SEPARATORS.sub("", fold(text))
    known = [stretch for word in words if word in squeezed for stretch in _spelled(word, text)]
    if _DIGIT.search(text):
        known += [stretch for code in codes if code in squeezed for stretch in _occurrences(code, text)]
    return _merged(found, known) if known else found


def _spelled(word: str, text: str) -> Iterator[forms.Found]:
    """A known word with a mark or a space inside: Quill-feather, Q U I L L."""
    if len(word) < _MIN_SPELLED or not word.isascii():
        return
    joint = r"[\s._-]{0,2}"
    for match in re.finditer(rf"(?i)(?<![^\W_]){joint.join(word)}(?![^\W_])", text):
        if len(match[0]) > len(word):
            yield forms.Found(*match.span())


def _occurrences(code: str, text: str) -> Iterator[forms.Found]:
    joint = r"[\W_]{0,2}" if len(code) > _MAX_DIGITS else ""
    pattern = rf"(?i)(?<![^\W_]){joint.join(map(re.escape, code))}(?![^\W_])"
    yield from (forms.Found(*match.span()) for match in re.finditer(pattern, text))


def _merged(found: list[forms.Found], known: list[forms.Found]) -> list[forms.Found]:
    """All in order; those that overlap become one, which goes."""
    merged: list[forms.Found] = []
    for stretch in sorted((*found, *known), key=lambda stretch: stretch.start):
        if merged and stretch.start < merged[-1].end:
            merged[-1] = forms.Found(merged[-1].start, max(merged[-1].end, stretch.end))
        else:
            merged.append(stretch)
    return merged


def _tokens(text: str, start: int, end: int, words: frozenset[str]) -> Iterator[Piece]:
    for match in _TOKEN.finditer(text, start, end):
        token = match[0]
        word = fold(token)
        if word in words or (words and word.translate(_LEET) in words):
            yield Piece(match.start(), match.end(), token, word, gone=True, named=True)
            continue
        known = level(word)
        if known:
            yield Piece(match.start(), match.end(), token, word, known)
        else:
            yield from _unlisted(token, word, match.start(), words)


def _unlisted(token: str, word: str, start: int, words: frozenset[str]) -> Iterator[Piece]:
    """A token that no list has as it stands: a number, a letter, a contraction, a compound, or unknown."""
    end = start + len(token)
    if token.isnumeric():
        yield Piece(start, end, token, "", Level.ENGLISH)  # what is too long for a measure, forms have found
    elif len(word) == 1 and word.isascii():
        yield Piece(start, end, token, word, Level.ENGLISH)
    elif _CONTRACTED.search(word):
        yield _contraction(token, word, start, words)
    else:
        yield from _compound(token, start, words)


_CONTRACTED = re.compile(r"['’ʼ`´]")


def _contraction(token: str, word: str, start: int, words: frozenset[str]) -> Piece:
    """``patient's``, ``doesn't``, ``l'apex``; an O'Neil is none."""
    first, last = _CONTRACTED.split(word, maxsplit=1)
    base = first if last in grammar("contracted") else last if first in grammar("elided") else ""
    mine = not words.isdisjoint((first, last, first + last))
    known = Level.UNKNOWN if mine or not base else level(base)
    return Piece(start, start + len(token), token, base, known, gone=not known, named=not known)


def _compound(token: str, start: int, words: frozenset[str]) -> Iterator[Piece]:
    """Parts at borders of case and figures, each a piece; if one is unknown only clinical ones stay."""
    parts = _PART.findall(token)
    levels = [_part_level(part, words) for part in parts]
    whole = all(levels) and _is_measured(token, parts)
    if whole and len(parts) > 1 and parts[0].lower() in _PARTICLES and parts[0].istitle() and parts[1].istitle():
        whole, levels = False, [Level.UNKNOWN] * len(parts)
    for part, known in zip(parts, levels, strict=True):
        keep = known if whole else known is Level.CLINICAL and len(part) > 2 and len(parts) > 1
        named = not keep and not part.isdigit()
        word = fold(part) if not part.isdigit() else ""
        yield Piece(start, start + len(part), part, word, known, gone=not keep, named=named)
        start += len(part)


def _part_level(part: str, words: frozenset[str]) -> Level:
    if part.isdigit() or (len(part) == 1 and part.isascii()):
        return Level.ENGLISH
    word = fold(part)
    return Level.UNKNOWN if word in words else level(word)


def _is_measured(token: str, parts: list[str]) -> bool:
    """Whether a token's figures are those of a measure or a short technical name, not of an id."""
    figures = sum(len(part) for part in parts if part.isdigit())
    if figures > 3 and len(parts) == 2 and parts[1].isdigit() and len(parts[0]) == 1:
        return figures == 4 and parts[0].lower() in _WITH_FOUR
    if figures <= 3 or _SIZE.fullmatch(token.lower()):
        return True
    return figures <= _MAX_DIGITS and all(part.isdigit() or part.lower() in _MEASURED for part in parts)
