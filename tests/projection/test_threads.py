"""Work on several threads: everything is done once, and results come in order."""

import os

import numpy as np
import pytest

from projection.threads import planes, thread_count, threaded


def test_as_many_threads_as_set_or_as_processors_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAXFLOW_THREADS", raising=False)
    assert thread_count() == len(os.sched_getaffinity(0))
    for given, expected in (("3", 3), ("0", 1)):
        monkeypatch.setenv("PAXFLOW_THREADS", given)
        assert thread_count() == expected


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_parts(threads: int) -> None:
    assert threaded(lambda part: part * part, 9, threads) == [part * part for part in range(9)]
    assert threaded(lambda part: part, 0, threads) == []


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("n_planes", [0, 1, 3, 8, 133])
def test_every_plane_is_worked_on_once(n_planes: int, threads: int) -> None:
    done = np.zeros(n_planes, np.int64)

    def work(first: int, last: int) -> None:
        done[first:last] += 1

    planes(work, n_planes, threads)
    assert (done == 1).all()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_part_is_raised(threads: int) -> None:
    with pytest.raises(ZeroDivisionError):
        threaded(lambda part: 1 // part, 3, threads)
