"""Who does the batches: this process, several processes, or a Dask cluster. The same function, the same bytes."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from curation.errors import UsageError
from curation.stage import Item, run_batch
from curation.workspace import Workspace
from flows.stages import step_named

Batches = Sequence[Sequence[Item]]
Advance = Callable[[int], None]
"""Told the size of each batch that ends."""


@contextmanager
def pool(n_batches: int) -> Iterator[Executor]:
    """Who does the batches: a Dask cluster if ``PAXFLOW_DASK_SCHEDULER`` names one; its workers see the same folders.

    Otherwise ``PAXFLOW_WORKERS`` processes (one per core by default) that end with this one; for one batch, a thread.
    """
    if address := os.environ.get("PAXFLOW_DASK_SCHEDULER"):
        with _dask(address) as cluster:
            yield cluster
        return
    count = min(_n_workers(), n_batches)
    workers: Executor
    if count == 1:
        workers = ThreadPoolExecutor(1)
    else:
        spawn = multiprocessing.get_context("spawn")
        workers = ProcessPoolExecutor(count, mp_context=spawn, initializer=_start_worker)
    try:
        yield workers
    finally:
        workers.shutdown(cancel_futures=True)


def _n_workers() -> int:
    given = os.environ.get("PAXFLOW_WORKERS") or str(len(os.sched_getaffinity(0)))
    if not given.isdecimal() or int(given) < 1:
        raise UsageError("PAXFLOW_WORKERS must be a whole number of processes, 1 or more")
    return int(given)


@contextmanager
def _dask(address: str) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ModuleNotFoundError:
        raise UsageError("PAXFLOW_DASK_SCHEDULER is set, but Dask is not installed: install the extra `dask`") from None
    with Client(address) as client, client.get_executor(pure=False, retries=0) as cluster:  # type: ignore[no-untyped-call]
        yield cluster


def _start_worker() -> None:
    """One thread a process: the pool has the cores."""
    os.environ.setdefault("PAXFLOW_THREADS", "1")
    stop_with_parent()


def do_batch(name: str, root: Path, items: Sequence[Item]) -> int:
    """One batch, by the stage's name: what every executor calls."""
    return run_batch(step_named(name).load(), Workspace(root), items)


def stop_with_parent() -> None:
    """End this process when the one that started it ends, so that a killed ``dvc repro`` leaves no writer behind."""
    parent = os.getppid()
    above = _parent_of(parent) if _is_shell(parent) else None

    def watch() -> None:
        while os.getppid() == parent and (above is None or _parent_of(parent) == above):
            time.sleep(0.2)
        os._exit(1)

    threading.Thread(target=watch, name="stop-with-parent", daemon=True).start()


def _is_shell(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() in {"sh", "bash", "dash", "zsh"}
    except OSError:
        return False


def _parent_of(pid: int) -> int | None:
    """The parent of a process, from /proc; None where that cannot be read."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return None
