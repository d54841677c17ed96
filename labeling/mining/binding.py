"""Side, severity, place, size and number that a clause names, each given to the finding it belongs to."""

from collections.abc import Sequence

from curation.records import Assertion
from labeling.mining.bearings import ANY, bearings
from labeling.mining.kin import are_linked, carried
from labeling.mining.lexicon import Match
from labeling.mining.sizes import measured
from labeling.mining.spoken import Said
from labeling.mining.whereabouts import places_of, side_of
from labeling.mining.words import BARS, CHANGES, COPULAS, EXPLAINS, FAR, JOINTS, TIES

_SEVEREST = ("severe", "large", "moderate", "mild", "small", "borderline")
_SIDE = "laterality"
_SIZES = frozenset(("large", "small"))
_APART = TIES - {"of", "overlying"}
"""Between a severity and a finding these part them: "mild streaks in the base, atelectasis"; "amount of" does not."""
_SHAPES = frozenset(("displaced", "angulated", "depressed", "impacted"))
"""Shapes of a fracture: "minimally displaced" is no mild fracture."""
_HEDGED = tuple([word] for word in sorted(EXPLAINS))
_FARTHEST = 12
"""Tokens between a finding and a severity behind it, at most."""
_COMPARISON = 3
"""Tokens of a comparison of sides at least: "left greater than right"."""


def bind(words: Sequence[str], mentions: Sequence[Said], modifiers: Sequence[Match]) -> list[Said]:
    """Give each side, severity, place, size and number of a clause or a sentence to the mention it belongs to.

    Before a mention: to the next one. Behind it after a preposition ("effusion at the left base"), or where a verb or a
    reason parts it from the next: to that one. Then mentions of one kin share (``labeling.mining.kin``).
    """
    said = list(mentions)
    if said and modifiers:
        given = _given(words, said, modifiers)
        if len(said) > 1:
            _share_back(words, said, given)
        said = [_with(words, one, own) if own else one for one, own in zip(said, given, strict=True)]
        if len(said) > 1:
            said = carried(words, said)
    return measured(words, said)


def _given(words: Sequence[str], mentions: Sequence[Said], modifiers: Sequence[Match]) -> list[list[Match]]:
    """The modifiers of each mention; sides and places without a word between them go together."""
    given: list[list[Match]] = [[] for _ in mentions]
    run: list[Match] = []
    for modifier in modifiers:
        start, end, term = modifier
        inside = [place for place, said in enumerate(mentions) if said[0] <= start and end <= said[1]]
        if inside:
            for place in inside:
                given[place].append(modifier)
        elif term.kind == "severity":
            _add(given, mentions, _owner_of_severity(words, mentions, modifier, modifiers), [modifier])
        else:
            if run and run[-1].end != start:
                _add(given, mentions, _owner_of_run(words, mentions, run), run)
                run = []
            run.append(modifier)
    if run:
        _add(given, mentions, _owner_of_run(words, mentions, run), run)
    return given


def _add(given: list[list[Match]], mentions: Sequence[Said], owner: Said | None, own: Sequence[Match]) -> None:
    """Give modifiers to a mention, and to all that the same words name."""
    if owner is not None:
        for place, said in enumerate(mentions):
            if said[:2] == owner[:2]:
                given[place] += own


def _share_back(words: Sequence[str], mentions: Sequence[Said], given: list[list[Match]]) -> None:
    """Give what is said behind a list to all of it: "atelectasis and effusion at the left base"."""
    for here in range(len(mentions) - 2, -1, -1):
        if not given[here + 1]:
            continue
        said, following = mentions[here], mentions[here + 1]
        outside = [m for m in given[here + 1] if m.term.kind != "severity" and not _holds(following, m)]
        if not outside or outside[0].start < following.end:
            continue
        if any(match.term.kind != "severity" and not _holds(said, match) for match in given[here]):
            continue
        if are_linked(said, following, words[said.end : following.start]):
            given[here] += outside


def _holds(said: Said, modifier: Match) -> bool:
    return said.start <= modifier.start and modifier.end <= said.end


def _with(words: Sequence[str], said: Said, own: Sequence[Match]) -> Said:
    bearing = bearings().get(said.finding, ANY)
    severities = {match.term.name for match in own if match.term.kind == "severity"}
    if bearing.is_sized and severities:
        severities -= {match.term.name for match in own if match.term.name in _SIZES and _holds(said, match)}
    side = "" if bearing.is_unsided else side_of(words, own)
    severity = next((name for name in _SEVEREST if name in severities), "") if severities else ""
    return Said(*said[:9], side, severity, places_of(words, own), *said[12:])


def _owner_of_run(words: Sequence[str], mentions: Sequence[Said], run: Sequence[Match]) -> Said | None:
    """The mention that sides and places side by side belong to."""
    able = [said for said in mentions if _may_have(said, run)]
    start, end = run[0].start, run[-1].end
    preceding, following = _neighbours(able, start)
    if preceding is None or following is None:
        return following or preceding
    back, ahead = words[preceding.end : start], words[end : following.start]
    if not JOINTS.isdisjoint(back) and ("there" in ahead or _turns(preceding, following)):
        return following
    if not BARS.isdisjoint(ahead) or _is_tied(words[preceding.end - 1 : start]):
        return preceding
    compares = any(modifier.end - modifier.start >= _COMPARISON and modifier.term.kind == _SIDE for modifier in run)
    return preceding if _is_cut_off(compares, back, ahead) else following


def _turns(preceding: Said, following: Said) -> bool:
    """Whether a list turns from what is absent to what is there: "no effusion, left base opacity"."""
    return preceding.assertion is Assertion.ABSENT and following.assertion is not Assertion.ABSENT


def _is_cut_off(compares: bool, back: Sequence[str], ahead: Sequence[str]) -> bool:
    """Whether a joint parts a side from the next finding: "opacities, left greater than right, likely edema"."""
    if not ahead or ahead[0] not in JOINTS:
        return False
    return not back or (ahead[0] == "," and (compares or ahead[1:2] in _HEDGED))


def _is_tied(gap: Sequence[str]) -> bool:
    """Whether a preposition ties what follows to the mention before, with no joint after it."""
    for word in reversed(gap):
        if word in TIES:
            return True
        if word in JOINTS or word == "with":
            return False
    return False


def _may_have(said: Said, run: Sequence[Match]) -> bool:
    """Whether a finding can have such sides and places: one in the midline has no side, and no place beyond its own."""
    bearing = bearings().get(said.finding, ANY)
    if not bearing.is_unsided:
        return True
    within = bearing.within
    return all(match.term.kind != _SIDE and (within is None or match.term.name in within) for match in run)


def _neighbours(mentions: Sequence[Said], start: int) -> tuple[Said | None, Said | None]:
    """The mentions that begin before and behind a token, those nearest to it."""
    preceding = None
    for said in mentions:
        if said.start >= start:
            return preceding, said
        preceding = said
    return preceding, None


def _owner_of_severity(
    words: Sequence[str], mentions: Sequence[Said], modifier: Match, modifiers: Sequence[Match]
) -> Said | None:
    """The mention that a severity belongs to, if it is one of a finding and not of a change."""
    end = modifier.end
    if end < len(words) and words[end] in CHANGES and not _is_named(words, mentions, end):
        return None
    preceding, following = _neighbours(mentions, modifier.start)
    if following is not None and _leads_to(words, modifier, following, modifiers):
        return following
    if preceding is not None and _is_said_of(words, preceding, modifier):
        return preceding
    return None


def _is_named(words: Sequence[str], mentions: Sequence[Said], place: int) -> bool:
    """Whether a word of change is part of a finding's name: "mildly increased markings"."""
    return words[place] not in _SHAPES and any(said.start <= place < said.end for said in mentions)


def _leads_to(words: Sequence[str], modifier: Match, following: Said, modifiers: Sequence[Match]) -> bool:
    """Whether nothing between a severity and the finding behind it is another thing that it may belong to."""
    if following.start - modifier.end > FAR:
        return False
    known = {place for match in modifiers for place in range(match.start, match.end)}
    is_known = True
    for place in range(modifier.end, following.start):
        word = words[place]
        if word in BARS or word in _APART:
            return False
        if word in JOINTS and not is_known:
            return False
        is_known = is_known and (word in JOINTS or place in known)
    return True


def _is_said_of(words: Sequence[str], preceding: Said, modifier: Match) -> bool:
    """Whether a verb or a comma gives a severity to the finding before it: "the effusion is small", "edema, mild"."""
    gap = words[preceding.end : modifier.start]
    if len(gap) > _FARTHEST:
        return False
    for word in reversed(gap):
        if word in COPULAS:
            return True
        if word == ",":
            return words[modifier.end : modifier.end + 1] in _ENDS
        if word in JOINTS or word in BARS or word in TIES:
            return False
    return True


_ENDS: tuple[list[str], ...] = ([], [","], ["and"], ["in"], ["on"], ["at"])
