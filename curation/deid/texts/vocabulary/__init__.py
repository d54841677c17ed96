"""The vocabulary: which words a text may keep because they name no person.

Default deny: a word that is not here, nor built from what is here, may be a name. Words that are both (Brown, Long, Ma)
are known and carry the way in which they can be told from a name. ``README.md`` says where the lists come from.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path

_HERE = Path(__file__).parent
_LONGEST = 64  # letters; no word of the lists is near it
_SPELLED = {"ø": "o", "ł": "l", "đ": "d", "ı": "i", "œ": "oe", "æ": "ae", "ð": "d", "þ": "th"}
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


class Level(IntEnum):
    """How well a word is known."""

    UNKNOWN = 0
    ENGLISH = 1
    CLINICAL = 2


@dataclass(frozen=True)
class Vocabulary:
    """The lists as sets of folded words; ``pairs`` are two words that protect each other (swan, ganz)."""

    clinical: frozenset[str]
    english: frozenset[str]
    eponyms: frozenset[str]
    nouns: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    name: frozenset[str]
    case: frozenset[str]
    near: frozenset[str]
    given: frozenset[str]
    title: frozenset[str]
    ambiguous: frozenset[str]
    compound: re.Pattern[str]


class _Folded(dict[int, str]):
    """Code point → what is left of it, filled as characters come."""

    def __missing__(self, code: int) -> str:
        character = chr(code).casefold()
        parts = unicodedata.normalize("NFKD", _SPELLED.get(character, character))
        self[code] = "".join(part for part in parts if unicodedata.category(part) not in ("Mn", "Cf"))
        return self[code]


_FOLDED = _Folded()


def fold(text: str) -> str:
    """Lower case without accents and invisible characters; ligatures and the German sharp s are spelled out."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


@cache
def vocabulary() -> Vocabulary:
    """The lists of this folder, read once."""
    radiology, makers, eponyms, ambiguous = map(
        _sections, ("radiology.tsv", "makers.tsv", "eponyms.tsv", "ambiguous.tsv")
    )
    pieces = sorted(radiology.pop("pieces"), key=len, reverse=True)
    phrases = eponyms["phrases"]
    return Vocabulary(
        clinical=frozenset(_text("medical.tsv").split("\n")).union(*radiology.values(), *makers.values()),
        english=frozenset(_text("english.tsv").split("\n")),
        eponyms=frozenset(eponyms["eponyms"]).union(word for phrase in phrases for word in phrase.split()),
        nouns=frozenset(eponyms["nouns"]),
        pairs=frozenset(pair for phrase in phrases for pair in _pairs(phrase.split())),
        name=frozenset(ambiguous["name"]),
        case=frozenset(ambiguous["case"]),
        near=frozenset(ambiguous["near"]),
        given=frozenset(ambiguous["given"]),
        title=frozenset(ambiguous["title"]),
        ambiguous=frozenset(ambiguous["name"] | ambiguous["case"] | ambiguous["near"]),
        compound=re.compile(rf"(?:{'|'.join(pieces)}){{2,}}"),
    )


@cache
def grammar(section: str) -> frozenset[str]:
    """The words of one section of ``grammar.tsv``, such as titles or credentials."""
    return frozenset(_sections("grammar.tsv")[section])


def level(word: str) -> Level:
    """How well a folded word is known, as it stands or by how it is built."""
    return _level(word) if len(word) <= _LONGEST else Level.UNKNOWN


@lru_cache(maxsize=1 << 16)
def _level(word: str) -> Level:
    words = vocabulary()
    if word in words.clinical:
        return Level.CLINICAL
    if word in words.english or word in words.eponyms:
        return Level.ENGLISH
    return _built(word)


def is_ambiguous(word: str) -> bool:
    """Whether a folded word of the vocabulary is a name as well, and so needs a look at what stands around it."""
    return word in vocabulary().ambiguous


# --- words that are in no list but are built from what is ------------------------------------------------

_SUFFIX = re.compile(
    r"[a-z]{3,}(?:itis|itides|osis|oses|iasis|ectomy|ectomies|ostomy|otomy|otomies|plasty|plasties|graphy|graphies|"
    r"graphic|ogram|ograms|scopy|scopies|scopic|megaly|pathy|pathies|pathic|plegia|paresis|rrhaphy|rrhage|rrhagic|"
    r"cele|celes|centesis|lysis|penia|cytosis|uria|emic|blastoma|sarcoma|carcinoma|adenoma|lymphoma|"
    r"omatous|oedema|thorax|thoraces|peritoneum|pericardium|mediastinum|cardia|genic|ological|tropic|stenosis|"
    r"sclerosis|fibrosis|ectasis|ectasia|malacia|dynia|algia|oid|mab|mabs|nib|olol|pril|sartan|statin|cillin|mycin|"
    r"floxacin|parin|grel|gliptin|gliflozin|glutide|setron|ocaine|acaine|azepam|curium)"
)
_PREFIX = re.compile(
    r"(?:anti|antero|aorto|arterio|auto|bi|bronch[io]+|cardio|cerebro|cervico|chole|chondro|cortico|costo|cranio|"
    r"crypto|cysto|dextro|dorso|endo|entero|epi|extra|fibro|gastro|hemi|hemo|haemo|hepato|hetero|homo|hydro|hyper|hypo|"
    r"ilio|infero|infra|inter|intra|ischio|iso|juxta|latero|leuko|levo|lipo|lumbo|lympho|macro|mal|medio|mega|meta|"
    r"micro|mid|mono|multi|musculo|myelo|myo|naso|neo|nephro|neuro|non|oro|osteo|pan|para|patho|per|peri|pharyngo|"
    r"pleuro|pneumo|poly|post|postero|pre|pro|pseudo|pulmo|pyelo|quasi|radio|re|recto|retro|sacro|semi|sero|spino|"
    r"sterno|sub|super|supero|supra|sympto|tele|thoraco|thrombo|trans|tri|ultra|un|under|uni|uretero|utero|vaso|"
    r"veno|ventriculo|vertebro)-?(?P<rest>[a-z]{5,})"
)
_BRITISH = tuple(
    (re.compile(british), american)
    for british, american in (
        ("ae", "e"),
        ("oe", "e"),
        ("our", "or"),
        ("is(?=ation|e|ing)", "iz"),
        ("ll(?=ed|ing|er)", "l"),
        ("tres?$", "ter"),
    )
)


def _built(word: str) -> Level:
    """A plural, a British spelling, a medical prefix or ending, or parts of the body run together."""
    if len(word) < 5 or not word.isascii() or not word.isalpha():
        return Level.UNKNOWN
    if vocabulary().compound.fullmatch(word) or any(_is_sure(base) for base in _bases(word)):
        return Level.CLINICAL
    prefixed = _PREFIX.fullmatch(word)
    if _SUFFIX.fullmatch(word) or (prefixed and _is_base(prefixed["rest"])):
        return Level.CLINICAL
    return Level.ENGLISH if any(_is_base(base) for base in _bases(word) if len(base) > 5) else Level.UNKNOWN


def _bases(word: str) -> Iterator[str]:
    for ending, base in (("ies", "y"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > 5:
            yield word[: -len(ending)] + base
    if word.endswith("ly"):
        yield word[:-2]
    yield from (british.sub(american, word) for british, american in _BRITISH if british.search(word))


def _is_sure(word: str) -> bool:
    return word in vocabulary().clinical and not is_ambiguous(word)


def _is_base(word: str) -> bool:
    return _is_sure(word) or (word in vocabulary().english and not is_ambiguous(word))


# --- files -----------------------------------------------------------------------------------------------


def _text(name: str) -> str:
    """A file without the comments at its head."""
    return re.sub(r"\A(?:#.*\n)+", "", (_HERE / name).read_text(encoding="utf-8"))


def _sections(name: str) -> dict[str, set[str]]:
    """Section → folded words; where phrases, parted by ``|``, are the section's words they stay whole."""
    found: dict[str, set[str]] = {}
    for line in _text(name).splitlines():
        section, words = line.lower().split("\t")
        mark = "|" if "|" in words else " "
        found[section] = set(fold(words).split(mark)) | set(fold(words.translate(_UMLAUTS)).split(mark))
    return found


def _pairs(words: list[str]) -> Iterator[tuple[str, str]]:
    return pairwise(words)
