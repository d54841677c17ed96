"""Work on several threads: the kernels release the interpreter's lock, and each writes its own part of the arrays."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

_PARTS_PER_THREAD = 4  # planes differ in cost: a thread that is done early takes another part


def thread_count() -> int:
    """Threads to use: ``PAXFLOW_THREADS`` if set (a pool of processes sets 1), else the processors given to us."""
    given = os.environ.get("PAXFLOW_THREADS")
    return max(1, int(given)) if given else len(os.sched_getaffinity(0))


def threaded(work: Callable[[int], Any], n_parts: int, threads: int) -> list[Any]:
    """Results of ``work`` on 0, 1, … in their order, on so many threads."""
    if threads == 1:
        return [work(part) for part in range(n_parts)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(n_parts)))


def planes(work: Callable[[int, int], Any], n_planes: int, threads: int) -> None:
    """``work(first, last)`` on ranges that together are all planes, each once.

    Where the ranges part depends on the number of threads: ``work`` must give the same for any.
    """
    edges = np.linspace(0, n_planes, min(n_planes, _PARTS_PER_THREAD * threads) + 1).astype(int).tolist()
    threaded(lambda part: work(edges[part], edges[part + 1]), len(edges) - 1, threads)
