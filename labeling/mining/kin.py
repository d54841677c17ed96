"""What findings of one sentence share: the side and place of what they explain, and of the list they stand in.

"Left base opacity, may represent atelectasis": the atelectasis is in the left base too. "Small right effusion with
adjacent atelectasis": it is on the right. Only findings of one kin share (``rules/bearings.tsv``), and one that is
absent shares with none that is there.
"""

from collections.abc import Sequence

from curation.records import Assertion
from labeling.mining.bearings import ANY, bearings
from labeling.mining.spoken import Said
from labeling.mining.words import COPULAS, EXPLAINS, JOINTS, TIES

_ALTERNATIVES = frozenset(("or", "versus", "vs"))
_VAGUE = frozenset(("lung",))
_OWN_PLACES = frozenset(("lung", "pleura"))
"""Places that the names of findings hold ("pleural effusion"): they do not say where in them it lies."""
_TIES = TIES - {"overlying"}
_MOST_BETWEEN = 4
"""Tokens between two findings of a list, at most."""


def carried(words: Sequence[str], mentions: Sequence[Said]) -> list[Said]:
    """The mentions of a clause or a sentence, in order, each with what it shares with the one before it."""
    said = list(mentions)
    for here in range(1, len(said)):
        lender = said[here - 1]
        if lender.laterality or lender.location or lender.severity:
            said[here] = _from(words, said[here], lender)
    return said


def _from(words: Sequence[str], said: Said, lender: Said) -> Said:
    gap = words[lender.end : said.start]
    if not are_linked(lender, said, gap):
        return said
    if not said.severity and _is_alternative(gap):
        said = said._replace(severity=lender.severity)
    places = set(said.location)
    if said.laterality not in ("", lender.laterality) or not places <= _OWN_PLACES.union(lender.location):
        return said
    is_vague = places <= _VAGUE and not _OWN_PLACES.issuperset(lender.location)
    return said._replace(laterality=lender.laterality, location=lender.location if is_vague else said.location)


def are_linked(first: Said, second: Said, gap: Sequence[str]) -> bool:
    """Whether two findings of one kin hang together by the words between them: one explains the other, or a list."""
    kin = bearings().get(first.finding, ANY).kin
    if not kin or bearings().get(second.finding, ANY).kin != kin or "there" in gap or ";" in gap:
        return False
    is_absent = first.assertion is Assertion.ABSENT
    if is_absent != (second.assertion is Assertion.ABSENT):
        return False
    if not is_absent and not EXPLAINS.isdisjoint(gap):
        return True
    if len(gap) > _MOST_BETWEEN or not COPULAS.isdisjoint(gap) or not _TIES.isdisjoint(gap):
        return False
    return not gap or "with" in gap or not JOINTS.isdisjoint(gap)


def _is_alternative(gap: Sequence[str]) -> bool:
    """Whether two findings are two names of one thing: "scarring or atelectasis", "atelectasis/infiltrate"."""
    return not gap or (not _ALTERNATIVES.isdisjoint(gap) and len(gap) <= _MOST_BETWEEN)
