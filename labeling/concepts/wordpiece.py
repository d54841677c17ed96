"""WordPiece, as BERT splits words (Devlin 2019; Wu 2016): marks apart, then the longest known pieces from the left."""

import json
import unicodedata
from pathlib import Path

from curation.errors import InputError

_LONGEST_WORD = 100  # letters; a longer one is unknown


class WordPiece:
    """A vocabulary and whether it is of small letters."""

    def __init__(self, vocabulary: dict[str, int], small: bool) -> None:
        """Raises InputError if one of the four marks is missing."""
        missing = [mark for mark in ("[PAD]", "[UNK]", "[CLS]", "[SEP]") if mark not in vocabulary]
        if missing:
            raise InputError(f"the vocabulary: expected {', '.join(missing)} in it, found none")
        self._vocabulary = vocabulary
        self._small = small
        self.padding = vocabulary["[PAD]"]

    @classmethod
    def read(cls, folder: Path) -> "WordPiece":
        """From ``tokenizer.json`` or ``vocab.txt``; small letters unless the file says otherwise.

        Raises InputError if neither is there, or it is not of the WordPiece kind.
        """
        if (folder / "tokenizer.json").is_file():
            return cls(*_from_json((folder / "tokenizer.json").read_text(encoding="utf-8")))
        if (folder / "vocab.txt").is_file():
            lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
            return cls({piece: number for number, piece in enumerate(lines)}, _is_small(lines))
        raise InputError("expected vocab.txt or tokenizer.json in the encoder's folder, found none")

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text; ``[UNK]`` for a word that the vocabulary cannot spell."""
        return [piece for word in _words(self._plain(text)) for piece in self._split(word)]

    def ids(self, text: str, longest: int) -> list[int]:
        """Numbers of the pieces between ``[CLS]`` and ``[SEP]``, cut to ``longest``."""
        known = self._vocabulary
        return [known["[CLS]"], *(known[one] for one in self.pieces(text)[: longest - 2]), known["[SEP]"]]

    def _plain(self, text: str) -> str:
        if not self._small:
            return text
        apart = unicodedata.normalize("NFD", text.lower())
        return "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")

    def _split(self, word: str) -> list[str]:
        pieces: list[str] = []
        start = 0
        while start < len(word) <= _LONGEST_WORD:
            mark = "##" if start else ""
            ends = (end for end in range(len(word), start, -1) if mark + word[start:end] in self._vocabulary)
            end = next(ends, None)
            if end is None:
                return ["[UNK]"]
            pieces.append(mark + word[start:end])
            start = end
        return pieces or ["[UNK]"]


def _words(text: str) -> list[str]:
    """Runs of letters and digits; each mark and each Chinese character by itself."""
    spaced = []
    for letter in text:
        if letter.isspace():
            spaced.append(" ")
        elif unicodedata.category(letter) not in ("Cc", "Cf"):
            spaced.append(f" {letter} " if _stands_alone(letter) else letter)
    return "".join(spaced).split()


def _stands_alone(letter: str) -> bool:
    is_mark = unicodedata.category(letter).startswith("P") or (letter.isascii() and not letter.isalnum())
    return is_mark or 0x4E00 <= ord(letter) <= 0x9FFF or 0x3400 <= ord(letter) <= 0x4DBF


def _from_json(text: str) -> tuple[dict[str, int], bool]:
    try:
        whole = json.loads(text)
        model = whole["model"]
        if model.get("type", "WordPiece") != "WordPiece":
            raise InputError("tokenizer.json: expected a WordPiece model, got another kind")
        normaliser = whole.get("normalizer") or {}
        return dict(model["vocab"]), bool(normaliser.get("lowercase", True))
    except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
        raise InputError("tokenizer.json: expected model.vocab of a WordPiece model, got another shape") from None


def _is_small(pieces: list[str]) -> bool:
    """Whether a vocabulary has no capital but in its marks (``[CLS]``)."""
    return not any(letter.isupper() for piece in pieces if not piece.startswith("[") for letter in piece)
