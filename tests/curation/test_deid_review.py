"""Doubtful places wait in the vault until a person has decided."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from curation.deid.pixels import Area, Decision, Doubt
from curation.deid.review import Review, case_id
from curation.errors import UsageError


def doubt(value: int = 7, score: float = 0.5, frame: int | None = 0) -> Doubt:
    return Doubt(Area(frame, 1, 2, 3, 4), np.full((4, 3), value, np.uint8), score)


@pytest.fixture
def review(tmp_path: Path) -> Review:
    return Review(tmp_path / "vault")


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each file: another one is there once it was written anew."""
    return {str(path): (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


def test_a_case_is_known_by_what_it_shows_and_where() -> None:
    names = {case_id(one) for one in (doubt(), doubt(8), doubt(frame=1), doubt(frame=None))}
    assert len(names) == 4 and all(len(name) == 16 for name in names)
    assert case_id(doubt(score=0.9)) == case_id(doubt())
    wide = Doubt(doubt().area, np.full((3, 4), 7, np.uint8), 0.5)
    assert case_id(wide) != case_id(doubt())
    turned = Doubt(doubt().area, np.full((3, 4), 7, np.uint8).T, 0.5)
    assert case_id(turned) == case_id(doubt())


def test_a_case_shows_the_place_and_names_no_item(review: Review) -> None:
    review.put("QUELBRAND/1.dcm", [doubt(200)])
    (case,) = review.waiting()
    with Picture.open(case.picture) as picture:
        assert np.array_equal(np.asarray(picture), doubt(200).crop)
    assert (case.case_id, case.score) == (case_id(doubt(200)), 0.5)
    assert not [path for path in review.vault.rglob("*") if "QUELBRAND" in str(path)]


def test_the_surest_text_comes_first_and_the_rest_in_order_of_name(review: Review) -> None:
    doubts = [doubt(1, 0.2), doubt(2, 0.9), doubt(3, 0.5), doubt(4, 0.5)]
    review.put("a", doubts)
    equal = sorted(map(case_id, doubts[2:]))
    assert [case.case_id for case in review.waiting()] == [case_id(doubts[1]), *equal, case_id(doubts[0])]
    review.decide(case_id(doubts[1]), "text")
    assert [case.case_id for case in review.waiting()] == [*equal, case_id(doubts[0])]


def test_nobody_but_the_owner_reads_the_queue(review: Review) -> None:
    before = os.umask(0)
    try:
        review.put("a", [doubt()])
        review.decide(case_id(doubt()), "text")
    finally:
        os.umask(before)
    files = [path for path in (review.vault / "review").rglob("*") if path.is_file()]
    assert len(files) == 4
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert {path.parent.stat().st_mode & 0o777 for path in files} == {0o700}


def test_what_is_queued_twice_is_written_once(review: Review) -> None:
    review.put("a", [doubt(1), doubt(2)])
    before = stamps(review.vault)
    review.put("a", [doubt(2), doubt(1)])
    assert stamps(review.vault) == before
    review.put("b", [doubt(1)])
    assert len(stamps(review.vault)) == len(before) + 1 and len(review.waiting()) == 2


@pytest.mark.parametrize("decision", ["", "TEXT", "maybe", "no text"])
def test_what_is_no_decision_is_not_noted(review: Review, decision: str) -> None:
    review.put("a", [doubt()])
    with pytest.raises(UsageError, match="text or no_text"):
        review.decide(case_id(doubt()), decision)
    assert review.decided(doubt()) is None and len(review.waiting()) == 1


@pytest.mark.parametrize("case", ["0" * 16, "", "../../elsewhere"])
def test_a_decision_on_no_case_is_not_noted(review: Review, case: str) -> None:
    review.put("a", [doubt()])
    (review.vault / "elsewhere.json").write_text("{}")
    with pytest.raises(UsageError, match="no such case"):
        review.decide(case, "text")
    assert not (review.vault / "review/decisions").exists()


@pytest.mark.parametrize(("first", "second"), [("text", "no_text"), ("no_text", "text"), ("text", "text")])
def test_a_person_may_decide_anew(review: Review, first: Decision, second: Decision) -> None:
    review.put("a", [doubt(), doubt(8)])
    assert review.decided(doubt()) is None
    for decision in (first, second):
        review.decide(case_id(doubt()), decision)
        assert review.decided(doubt()) == decision and review.decided(doubt(8)) is None


def test_a_decision_that_nobody_can_have_made_counts_for_none(review: Review) -> None:
    review.put("a", [doubt()])
    review.decide(case_id(doubt()), "text")
    (review.vault / "review/decisions" / case_id(doubt())).write_text("TEXT")
    assert review.decided(doubt()) is None


def test_a_digest_changes_with_each_decision_on_an_item_and_with_no_other(review: Review) -> None:
    review.put("a", [doubt(1), doubt(2)])
    review.put("b", [doubt(3)])
    seen = [Review(review.vault).digest("a")]
    for case, decision in ((doubt(1), "text"), (doubt(2), "text"), (doubt(2), "no_text")):
        review.decide(case_id(case), decision)
        seen.append(Review(review.vault).digest("a"))
    assert seen[0] == "" and len(set(seen)) == 4
    assert Review(review.vault).digest("b") == Review(review.vault).digest("c") == ""
    review.decide(case_id(doubt(3)), "text")
    assert Review(review.vault).digest("a") == seen[-1] and Review(review.vault).digest("b")
