"""Where one statement of a sentence ends and the next begins.

A scope ends with its clause (NegEx, Chapman 2001): at words that turn the sentence ("but", "which"; the stops of
``rules/triggers.tsv``). What is ours: a clause also ends where a comma or "and" is followed by a subject with a state
or a verb of its own, so that a list ("no effusion, pneumothorax or edema") keeps its negation and "no effusion, heart
is enlarged" does not lend it; and what a stop only adds ("effusion, which is smaller") stays with what it is said of.
"""

from collections.abc import Sequence
from itertools import pairwise

from labeling.mining.lexicon import Match
from labeling.mining.words import COPULAS, MODALS, SHARED

_ENDS = frozenset({",", "and"})
_LIST = frozenset({",", "and", "or", ";", "nor"})
_VERBS = (COPULAS | MODALS) - {":"}
_LIGHT = frozenset({"not", "no", "longer", "been", "also", "be", "now", "clearly", "definitely", "newly", "well"})
_PRONOUNS = frozenset(("this", "these", "it", "they", "that", "which", "who", "both"))
_SAYS_MORE = (
    (_PRONOUNS | _VERBS)
    | {"not", "no", "now", "again", "overall", "grossly", "still", "less", "more", "most", "slightly", "mildly"}
    | {"somewhat", "stable", "unchanged", "improved", "improving", "decreased", "increased", "smaller", "larger"}
    | {"likely", "probably", "possibly", "cannot", "difficult", "seen", "resolving"}
)
"""After a stop these say more of what was named before it: "effusion, which is smaller", "but not seen"."""
_ANNOUNCE = frozenset({"following", "including", "for", "of", "any"})
_NEAR = 4
_VERB_NEAR = 7


def clauses(words: Sequence[str], content: Sequence[Match], triggers: Sequence[Match]) -> list[tuple[int, int]]:
    """Token ranges of a sentence's clauses, in order, without gap."""
    opened = _openings(words, content, triggers)
    if not opened:
        return [(0, len(words))]
    said = [m.start for m in content if m.term.kind != "subject"]
    said += [m.start for m in triggers if m.term.name == "absent"]
    named = [m.start for m in content if m.term.kind != "state"]
    edges = [0]
    for (place, first), following in zip(opened, [*(place for place, _ in opened[1:]), len(words)], strict=True):
        if not any(edges[-1] <= start < place for start in said):
            continue
        if any(place <= start < following for start in named) or not _goes_on(first, words):
            edges.append(place)
    return list(pairwise([*edges, len(words)]))


def _openings(words: Sequence[str], content: Sequence[Match], triggers: Sequence[Match]) -> list[tuple[int, int]]:
    """Where a clause may begin, and its first word: at stops, and at joints before a subject with a state or a verb."""
    stops = {m[0]: m[0] + 1 if words[m[0]] == "," else m[1] for m in triggers if m[2].name == "stop"}
    openings = list(stops.items())
    if not _ENDS.isdisjoint(words):
        for place, word in enumerate(words):
            if word not in _ENDS or place == 0 or place in stops:
                continue
            if _has_state(place, words, content) or _has_verb(place, words, triggers):
                openings.append((place, place + 1))
    if ":" in words:
        openings += [(colon - 1, colon + 1) for colon in range(2, len(words)) if _is_header(colon, words, triggers)]
    return sorted(openings)


def _is_header(colon: int, words: Sequence[str], triggers: Sequence[Match]) -> bool:
    """Whether the word before a colon begins anew behind a negation: "no fever, lungs: clear"."""
    if words[colon] != ":" or words[colon - 1] in _ANNOUNCE:
        return False
    return any(match.term.name == "absent" and match.end < colon - 1 for match in triggers)


def _goes_on(first: int, words: Sequence[str]) -> bool:
    return first == len(words) or words[first] in _SAYS_MORE


def _has_state(joint: int, words: Sequence[str], content: Sequence[Match]) -> bool:
    """Whether a subject with a state of its own follows: "lungs are clear" or "clear lungs"."""
    following = [match for match in content if match[0] > joint]
    if len(following) < 2 or following[0].start > joint + _NEAR:
        return False
    first, second = following[:2]
    if first.term.kind == "subject":
        return second.term.kind == "state" and not _ENDS & set(words[first.end : second.start])
    return first.term.kind == "state" and second.term.kind == "subject" and second.start - first.end < 2


def _has_verb(joint: int, words: Sequence[str], triggers: Sequence[Match]) -> bool:
    """Whether a verb with a subject of its own follows, not one that a list shares ("effusion and edema are seen")."""
    verb = _verb(joint, words)
    if verb is None:
        return False
    begun = max((m.start for m in triggers if m.start < joint and m.term.name in ("absent", "stop")), default=0)
    has_verb = any(word in _VERBS for word in words[begun:joint])
    said = next((word for word in words[verb + 1 :] if word not in _LIGHT and word not in _VERBS), "")
    if said in SHARED:
        return has_verb
    if words[joint] == ",":
        return True
    return has_verb or any(match.term.name == "absent" and match.start < joint for match in triggers)


def _verb(joint: int, words: Sequence[str]) -> int | None:
    """Where the verb behind a joint is, if a subject of one to six words, and no pronoun, stands between them."""
    if words[joint + 1 : joint + 2] and words[joint + 1] in _PRONOUNS:
        return None
    for place in range(joint + 1, min(joint + 1 + _VERB_NEAR, len(words))):
        if words[place] in _LIST:
            return None
        if words[place] in _VERBS:
            return place if place > joint + 1 else None
    return None
