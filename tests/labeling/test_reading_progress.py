"""How far readers are: what stands of what they did, pace, deadline, and when they will be done."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from curation.records import (
    AnnotationEvent,
    Assignment,
    EventKind,
    ReaderAgreement,
    ReadingBatch,
    Task,
)
from labeling.reading.ledger import Given, Ledger
from labeling.reading.progress import Progress, State, is_overdue, last_events, progress, reads, state
from tests.labeling.reading_rows import ANNA, BEN, LABELS, MONDAY, NOW, event

SUBMITTED, UPDATED, SKIPPED, DELETED = EventKind.SUBMITTED, EventKind.UPDATED, EventKind.SKIPPED, EventKind.DELETED
ROW = Assignment("x1", "w1", "c1", ANNA, 0, 0, MONDAY)


def rows(reader: str = ANNA, count: int = 4) -> list[Assignment]:
    return [Assignment(f"{reader}-{n}", "w1", f"c{n}", reader, 0, n, MONDAY) for n in range(count)]


def followed(
    queue: list[Assignment],
    events: list[AnnotationEvent],
    agreement: tuple[ReaderAgreement, ...] = (),
    now: datetime = NOW,
) -> list[Progress]:
    batch = ReadingBatch("w1", LABELS, (ANNA,), "all", 1, 0, False, 0, MONDAY, "", NOW)
    given = Given(Ledger(Path()), batch, {}, {}, tuple(queue))
    return progress(given, events, agreement, now)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], State.LEFT),
        ([event(ROW)], State.DONE),
        ([event(ROW), event(ROW, UPDATED, 3)], State.DONE),
        ([event(ROW, SKIPPED)], State.SKIPPED),
        ([event(ROW, SKIPPED), event(ROW, SUBMITTED, 2)], State.DONE),
        ([event(ROW), event(ROW, DELETED, 2)], State.LEFT),
        ([event(ROW), event(ROW, DELETED, 2, author_id=BEN)], State.LEFT),
        ([event(ROW), event(ROW, SUBMITTED, 2, annotation_id="second"), event(ROW, DELETED, 3)], State.DONE),
        ([event(ROW, author_id=BEN)], State.LEFT),
        ([event(ROW, EventKind.WITHDRAWN)], State.LEFT),
    ],
)
def test_what_stands(events: list[AnnotationEvent], expected: State) -> None:
    for order in (events, events[::-1]):
        assert state(last_events(order).get(ROW.assignment_id)) is expected
        assert (ROW.assignment_id in reads(order)) == (expected is State.DONE)


def test_counts_of_each_reader() -> None:
    anna, ben = rows(ANNA), rows(BEN, 2)
    found = followed([*anna, *ben], [event(anna[0]), event(anna[1], SKIPPED, 1), event(ben[0], author_id=ANNA)])
    counts = [(one.reader_id, one.given, one.done, one.skipped, one.left, one.overdue) for one in found]
    assert counts == [(ANNA, 4, 1, 1, 2, 0), (BEN, 2, 0, 0, 2, 0)]
    assert (found[1].per_hour, found[1].median_seconds, found[1].ready) == (None, None, None)


def test_the_deadline_is_the_end_of_the_day() -> None:
    evening = datetime(2026, 12, 7, 23, 59, tzinfo=UTC)
    assert not is_overdue(ROW, evening)
    assert is_overdue(ROW, evening + timedelta(minutes=1))
    assert not is_overdue(Assignment("x1", "w1", "c1", ANNA, 0, 0, None), evening + timedelta(days=99))
    late = followed(rows(), [event(rows()[0])], now=evening + timedelta(hours=1))
    assert late[0].overdue == 3


def test_cases_per_hour_leave_out_pauses() -> None:
    queue = rows(count=6)
    minutes = (0, 2, 4, 104, 106)  # half a minute, then gaps of two minutes, a pause, half a minute, two minutes
    found = followed(queue, [event(row, minutes=at) for row, at in zip(queue, minutes, strict=False)])
    assert [later - earlier for earlier, later in pairwise(minutes)] == [2, 2, 100, 2]
    assert found[0].per_hour == pytest.approx(5 / (7 / 60))
    assert found[0].median_seconds == 30


def test_a_server_that_tells_no_time() -> None:
    queue = rows()
    found = followed(queue, [event(queue[0], seconds=None)])
    assert (found[0].per_hour, found[0].median_seconds) == (None, None)


def test_when_a_reader_will_be_done() -> None:
    queue = rows(count=9)
    done = [event(row, minutes=60 * n) for n, row in enumerate(queue[:3])]
    assert followed(queue, done, now=NOW + timedelta(days=1))[0].ready == date(2026, 12, 4)
    assert followed(queue, done, now=NOW + timedelta(hours=3))[0].ready == date(2026, 12, 3)
    assert followed(queue[:3], done)[0].ready is None


def test_steadiness_is_shown_once_decided() -> None:
    def figure(measure: str, other: str, value: float, **changed: Any) -> ReaderAgreement:
        made = ReaderAgreement(LABELS, "(all)", measure, ANNA, other, value, None, None, 4)
        return replace(made, **changed)

    queue = rows()
    figures = (
        figure("repeat_percent", "(self)", 0.75),
        figure("gold_percent", "(gold)", 0.5),
        figure("gold_percent", "(gold)", 0.1, question="Edema"),
        figure("gold_percent", "(gold)", 0.1, reader_a=BEN),
        figure("gold_percent", "(gold)", 0.1, task=Task.QUALITY_CHECK),
    )
    found = followed(queue, [], figures)
    assert (found[0].repeat_share, found[0].gold_share) == (0.75, 0.5)
