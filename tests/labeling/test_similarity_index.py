"""The nearest reports from an index: the same as from all pairs, and what follows from them."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curation.errors import UsageError
from labeling.similar import index as searching
from labeling.similar.anatomy import Anatomy, AnatomyRanking, about, grade
from labeling.similar.formula import Parameters
from labeling.similar.index import Index, Measure, Neighbour
from labeling.similar.published import PublishedMeasure
from labeling.similar.soft import SoftMeasure
from labeling.similar.statements import Said, Statement
from labeling.similar.transfer import Vote, transfer
from tests.labeling.likes import MEASURE, WORLD, A, P, reports_of

PRESET = PublishedMeasure({**WORLD.types, "consolidation": "T046"}, {"opacity": frozenset({"consolidation"})})
TVERSKY = SoftMeasure(WORLD, Parameters(alpha=0.8, beta=0.5, gamma=3.0, floor=0.0, kin=1.0))


def naive(
    reports: dict[str, Said], measure: Measure, query: Said, k: int, without: str | None = None
) -> list[Neighbour]:
    """All pairs, a stable sort."""
    near = [Neighbour(name, measure.similarity(query, said)) for name, said in reports.items() if name != without]
    return sorted(near, key=lambda one: -one.similarity)[:k]


def named(reports: list[Said]) -> dict[str, Said]:
    return {f"r{number}": said for number, said in enumerate(reports)}


def assert_same(found: list[Neighbour], expected: list[Neighbour]) -> None:
    assert [one.report_id for one in found] == [one.report_id for one in expected]
    assert [one.similarity for one in found] == pytest.approx([one.similarity for one in expected], abs=1e-9)


@pytest.mark.parametrize("measure", [MEASURE, TVERSKY, PRESET], ids=["ours", "another setting", "published"])
@given(reports=st.lists(reports_of(4), min_size=1, max_size=12), query=reports_of(4), k=st.integers(1, 5))
@example(reports=[frozenset(), frozenset()], query=frozenset(), k=2)
def test_the_nearest_are_those_of_all_pairs(measure: Measure, reports: list[Said], query: Said, k: int) -> None:
    assert_same(Index(named(reports), measure).nearest(query, k), naive(named(reports), measure, query, k))


@given(reports=st.lists(reports_of(3), min_size=1, max_size=8))
def test_all_reports_against_all_others(reports: list[Said]) -> None:
    found = dict(Index(named(reports), MEASURE).all_nearest(3))
    assert found.keys() == named(reports).keys()
    for name, near in found.items():
        assert_same(near, naive(named(reports), MEASURE, named(reports)[name], 3, name))


def many(count: int, seed: int) -> dict[str, Said]:
    """Reports that repeat themselves."""
    rng = np.random.default_rng(seed)
    names = ("opacity", "consolidation", "pneumonia", "atelectasis", "effusion", "fracture", "tube")
    sides = ("", "left", "right", "bilateral")

    def one() -> Statement:
        return Statement(str(rng.choice(names)), (P, A)[int(rng.integers(2))], sides[int(rng.integers(4))])

    return {f"r{number}": frozenset(one() for _ in range(rng.integers(0, 6))) for number in range(count)}


@pytest.mark.parametrize("measure", [MEASURE, PRESET], ids=["ours", "published"])
def test_exact_where_bounds_leave_most_out(measure: Measure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "_FIRST", 4)
    reports = many(600, 1)
    index = Index(reports, measure)
    assert len(index) == 600
    for name in list(reports)[:4]:
        assert_same(index.nearest(reports[name], 7, name), naive(reports, measure, reports[name], 7, name))


def test_fewer_reports_than_asked_for_and_none_at_all() -> None:
    assert len(Index(named([frozenset()]), MEASURE).nearest(frozenset(), 5)) == 1
    assert Index({}, MEASURE).nearest(frozenset({Statement("effusion", P)}), 5) == []
    assert Index({}, PRESET).nearest(frozenset(), 5) == []


def test_no_neighbours_is_not_a_number_of_them() -> None:
    with pytest.raises(UsageError, match="expected 1 or more"):
        Index({}, MEASURE).nearest(frozenset(), 0)


# --- labels ----------------------------------------------------------------------------------------------

LABELS = {
    "a": {"Edema": 1, "Fracture": 0},
    "b": {"Edema": 1},
    "c": {"Edema": -1, "Fracture": 0},
    "far": {"Edema": 0, "Fracture": 1},
}


@pytest.mark.parametrize(
    ("near", "expected"),
    [
        pytest.param(
            [("a", 0.9), ("b", 0.6), ("c", 0.5), ("far", 0.1)],
            {"Edema": Vote(1, 0.75, ("a", "b")), "Fracture": Vote(0, 0.7, ("a", "c"))},
            id="weighted votes",
        ),
        pytest.param(
            [("c", 0.5), ("b", 0.5)], {"Edema": Vote(-1, 0.5, ("c",)), "Fracture": Vote(0, 0.5, ("c",))}, id="a tie"
        ),
        pytest.param(
            [("b", 0.8), ("a", 0.5)],
            {"Edema": Vote(1, 1.0, ("b", "a")), "Fracture": Vote(None, 0.8 / 1.3, ("b",))},
            id="unsaid",
        ),
        pytest.param([("far", 0.2)], {}, id="nobody is near"),
        pytest.param([("unlabelled", 0.9)], {}, id="nobody has labels"),
        pytest.param([], {}, id="nobody"),
    ],
)
def test_transfer(near: list[tuple[str, float]], expected: dict[str, Vote]) -> None:
    votes = transfer((Neighbour(*one) for one in near), LABELS, near=0.5)
    assert votes.keys() == expected.keys()
    for label, vote in votes.items():
        assert (vote.state, vote.evidence) == (expected[label].state, expected[label].evidence)
        assert vote.share == pytest.approx(expected[label].share)


def test_a_report_with_nothing_in_common_never_votes() -> None:
    assert transfer([Neighbour("a", 0.0)], LABELS, near=0.0) == {}


# --- one part of the body --------------------------------------------------------------------------------

APEX = Statement("opacity", P, "left", ("apex",))
BASE = Statement("opacity", P, "left", ("lower_lobe",))
CLEAR = Statement("opacity", A)
RIB = Statement("fracture", P, "right")
TUBE = Statement("tube", P)


@pytest.mark.parametrize(
    ("anatomy", "expected"),
    [
        pytest.param(Anatomy("lung"), {APEX, BASE, CLEAR}, id="with its parts"),
        pytest.param(Anatomy("upper_lobe"), {APEX, CLEAR}, id="absent from the whole"),
        pytest.param(Anatomy("upper_lobe", "right"), {CLEAR}, id="one side"),
        pytest.param(Anatomy("rib"), {RIB}, id="by home"),
        pytest.param(Anatomy("thorax"), {APEX, BASE, CLEAR, RIB}, id="a device has no home"),
    ],
)
def test_what_a_report_says_of_a_part(anatomy: Anatomy, expected: set[Statement]) -> None:
    assert about(frozenset({APEX, BASE, CLEAR, RIB, TUBE}), anatomy, WORLD) == expected


@pytest.mark.parametrize("wrong", [Anatomy("elsewhere"), Anatomy("lung", "both")])
def test_a_part_that_is_not_known_is_refused(wrong: Anatomy) -> None:
    with pytest.raises(UsageError, match="expected a place"):
        about(frozenset(), wrong, WORLD)


def test_ranking_looks_at_nothing_but_the_part() -> None:
    reports = {
        "same lung, other bone": frozenset({APEX}),
        "other lung, same bone": frozenset({BASE, RIB}),
        "clear": frozenset({CLEAR, RIB}),
        "no lung": frozenset({RIB, TUBE}),
    }
    ranking = AnatomyRanking(reports, MEASURE, WORLD)
    ranked = ranking.rank(frozenset({APEX, RIB}), Anatomy("lung"))
    assert [one.report_id for one in ranked] == ["same lung, other bone", "other lung, same bone", "clear"]
    assert [one.grade for one in ranked] == [3, 3, 0]
    assert [one.report_id for one in ranking.rank(frozenset({APEX, RIB}), Anatomy("rib"), k=2)] == [
        "other lung, same bone",
        "clear",
    ]
    assert ranking.rank(frozenset({TUBE}), Anatomy("lung")) == []
    assert ranking.rank(frozenset({Statement("effusion", P)}), Anatomy("rib", "left")) == []


def test_no_report_speaks_of_the_part() -> None:
    assert AnatomyRanking({"r": frozenset({TUBE})}, MEASURE, WORLD).rank(frozenset({RIB}), Anatomy("rib")) == []


def test_only_the_last_parts_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeling.similar.anatomy._KEPT", 1)
    ranking = AnatomyRanking({"r": frozenset({RIB, APEX})}, MEASURE, WORLD)
    for _ in range(2):
        for place, query in (("rib", RIB), ("lung", APEX)):
            assert ranking.rank(frozenset({query}), Anatomy(place))[0].similarity == 1.0


def test_grades() -> None:
    assert [grade(value) for value in (0.0, 0.25, 0.6, 1.0)] == [0, 1, 2, 3]
