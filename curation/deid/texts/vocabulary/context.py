"""What a word is by what stands around it.

A title (Dr), a credential (MD) or a signature makes a name of the capitalised words beside it, unless they are clinical
and no surnames; a word that is a name as well goes where it is capitalised and stands like one, unless a noun makes an
eponym of it (Baker cyst). Undecided goes.
"""

import re

from curation.deid.texts.vocabulary import grammar, is_ambiguous, vocabulary
from curation.deid.texts.vocabulary.reading import BREAK, Reading, pieces
from curation.deid.texts.vocabulary.small_letters import is_person, suspects


def read(text: str, words: frozenset[str], codes: frozenset[str], prose: bool) -> Reading:
    """The pieces of a text, each with its verdict. ``words`` and ``codes`` go whatever they are."""
    reading = Reading(text, list(pieces(text, words, codes)), prose, text.islower())
    found = {piece.word for piece in reading.pieces}
    if not found.isdisjoint(_MARKS):
        _judge_marks(reading)
    if not found.isdisjoint(suspects()):
        _judge_ambiguous(reading)
    if any(piece.named for piece in reading.pieces):
        _judge_parts(reading)
    return reading


# --- titles, credentials, signatures ---------------------------------------------------------------------

_MARKS = grammar("titles") | grammar("credentials") | grammar("signs")
_FAR = 4  # words that a name may have


def _judge_marks(reading: Reading) -> None:
    for number, piece in enumerate(reading.pieces):
        behind = range(number + 1, min(number + _FAR, len(reading.pieces)))
        if piece.word in grammar("credentials") and _is_credential(reading, number):
            _take(reading, range(number - 1, max(number - _FAR, 0) - 1, -1), titled=True)
        elif piece.word in grammar("titles") and _is_title(reading, number):
            _take(reading, behind, titled=True)
        elif piece.word in grammar("signs") and _is_sign(reading, number):
            _take(reading, behind, titled=False)


def _is_title(reading: Reading, number: int) -> bool:
    """MR is magnetic resonance, ms are milliseconds, DR may be digital radiography: a point makes titles of them."""
    piece = reading.pieces[number]
    dotted = reading.text[piece.end : piece.end + 1] == "."
    if piece.word in ("mr", "ms", "miss", "mister"):
        return dotted or piece.titled
    if piece.word == "dr" and piece.text.isupper() and not dotted:
        following = reading.after(number)
        return following is not None and (following.gone or _may_be_name(reading, number + 1))
    return True


def _is_sign(reading: Reading, number: int) -> bool:
    """``signed by``, ``attn``, ``technologist:``."""
    piece = reading.pieces[number]
    if piece.word == "by":
        return any(earlier.word in grammar("signing") for earlier in reading.pieces[max(number - 4, 0) : number])
    return reading.text[piece.end : piece.end + 2].strip() in (":", ",", "=")


def _is_credential(reading: Reading, number: int) -> bool:
    piece = reading.pieces[number]
    if not number or "\n" in reading.gap(number - 1):
        return False
    return piece.word not in ("do", "np", "rn") or piece.text.isupper()


def _take(reading: Reading, numbers: range, titled: bool) -> None:
    """A name from its mark on: the first word if it may be one at all, then those that are names as well."""
    initial = True  # a point behind it ends no sentence, nor does that of a title
    for place, number in enumerate(numbers):
        piece = reading.pieces[number]
        gap = reading.gap(min(number, number - numbers.step))
        if "\n" in gap or not piece.word or (not initial and BREAK.search(gap)):
            return
        initial = len(piece.word) == 1
        known = piece.sure if titled else piece.clinical
        first = not place and not known and (piece.capital or piece.word in vocabulary().title)
        if not (first or piece.gone or initial or _may_be_name(reading, number)):
            return
        if not initial or titled or reading.text[piece.end : piece.end + 1] == ".":
            piece.gone = piece.named = True


def _may_be_name(reading: Reading, number: int) -> bool:
    return is_ambiguous(reading.pieces[number].word) and not _is_protected(reading, number)


# --- words that are names as well ------------------------------------------------------------------------

_ADJACENT = re.compile(r"[ \t,^_=\\/-]{0,3}")
_ISOTOPE = re.compile(r"-\d{2,3}(?!\d)")


def _judge_ambiguous(reading: Reading) -> None:
    """Forth and back until nothing changes, since a name that goes makes its neighbours suspect."""
    numbers = [number for number, piece in enumerate(reading.pieces) if piece.word in suspects()]
    alone = not reading.prose and not any(piece.clinical and not piece.gone for piece in reading.pieces)
    changed = True
    while changed:
        changed = False
        for number in (*numbers, *reversed(numbers)):
            piece = reading.pieces[number]
            if not piece.gone and _is_name(reading, number, alone):
                piece.gone = piece.named = changed = True


def _is_name(reading: Reading, number: int, alone: bool) -> bool:
    """Capitals tell nothing in a text that has none, or in one that is but a name."""
    piece, words = reading.pieces[number], vocabulary()
    if _is_protected(reading, number):
        return False
    if is_person(reading, number):
        return True
    if not (is_ambiguous(piece.word) and (piece.capital or alone or reading.caseless)):
        return False
    if piece.word in words.name or (piece.word in words.case and piece.titled):
        return True
    if alone and piece.word not in words.case:
        return True
    return _is_beside_name(reading, number) or _is_behind_cue(reading, number)


def _is_protected(reading: Reading, number: int) -> bool:
    """Whether the next word makes an eponym of it (Baker cyst), or a word beside it does (Swan-Ganz)."""
    words, word = vocabulary(), reading.pieces[number].word
    before, after = reading.before(number), reading.after(number)
    if after and not after.gone:
        eponym = after.word in words.nouns and (word in words.eponyms or word in words.near)
        if eponym or (word, after.word) in words.pairs:
            return True
    if word in words.case and _ISOTOPE.match(reading.text, reading.pieces[number].end):
        return True
    if before is None or before.gone:
        return False
    return (before.word, word) in words.pairs or (before.word in words.eponyms and word in words.nouns)


def _is_beside_name(reading: Reading, number: int) -> bool:
    """Beside a name that has gone, or one of a given name and a surname that are both words (Mark Page)."""
    piece, pieces = reading.pieces[number], reading.pieces
    for first, other in ((number - 1, number - 1), (number, number + 1)):
        if 0 <= other < len(pieces) and _ADJACENT.fullmatch(reading.gap(first)):
            both = piece.titled and pieces[other].titled and is_ambiguous(pieces[other].word)
            if pieces[other].named or (both and pieces[first].word in vocabulary().given):
                return True
    return False


def _is_behind_cue(reading: Reading, number: int) -> bool:
    piece, before = reading.pieces[number], reading.before(number)
    if before is None or before.word not in grammar("before_names") or piece.word in grammar("no_cue"):
        return False
    return piece.titled or not before.text.isupper() or before.word in ("by", "attn", "dear", "name")


def _judge_parts(reading: Reading) -> None:
    """What a name that goes takes with it: an initial and its point, a short word behind a hyphen (Jui-En)."""
    for number, piece in enumerate(reading.pieces):
        if piece.gone or not piece.capital:
            continue
        if len(piece.word) == 1 and reading.text[max(piece.start - 1, 0) : piece.end + 1].strip() == f"{piece.text}.":
            beside = reading.pieces[max(number - 1, 0) : number + 2]
            piece.gone = any(other.named for other in beside)
        elif not piece.clinical or (piece.titled and (len(piece.word) < 4 or not piece.sure)):
            piece.gone = piece.named = any(
                reading.text[min(piece.end, other.end) : max(piece.start, other.start)] == "-" and other.named
                for other in reading.pieces[max(number - 1, 0) : number + 2]
                if other is not piece
            )
