"""Run one stage: lock, plan, do what is not done, finish. The same with and without Prefect."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from curation.errors import UsageError
from curation.stage import Item, Todo, manifest, prepare, run_batch
from curation.workspace import Workspace
from flows.stages import step_named

Batches = Sequence[Sequence[Item]]
Advance = Callable[[int], None]


@dataclass(frozen=True)
class Outcome:
    """What a run of a stage did, in items."""

    stage: str
    planned: int
    already_done: int
    done: int
    rejected: int
    seconds: float


def run_stage(name: str, workspace: Workspace, advance: Callable[[Todo], Advance] | None = None) -> Outcome:
    """Run a stage to its end; ``advance`` is told the plan and then the size of each batch that ends."""
    started = time.monotonic()
    stop_with_parent()
    stage = step_named(name).load()
    with workspace.lock(name):
        todo = prepare(stage, workspace)
        if todo.batches:
            tick = advance(todo) if advance else _ignore
            _execute(name, workspace.root, todo.batches, tick)
        workspace.tables(name).mkdir(parents=True, exist_ok=True)  # DVC wants its output even where all were rejected
        if stage.finish:
            stage.finish(workspace)
        finished = {item.name for batch in todo.batches for item in batch}
        rejected = sum(row.n_rows == 0 for row in manifest(workspace, stage) if row.item in finished)
    return Outcome(name, todo.n_items, todo.n_done, len(finished), rejected, time.monotonic() - started)


def _ignore(count: int) -> None:
    """No one watches."""


def _execute(name: str, root: Path, batches: Batches, tick: Advance) -> None:
    if os.environ.get("PREFECT_API_URL"):
        from flows.orchestrate import run_batches  # Prefect takes seconds to import: only where a server listens

        run_batches(name, root, batches, tick)
    else:
        run_here(name, root, batches, tick)


def run_here(name: str, root: Path, batches: Batches, tick: Advance) -> None:
    """Run batches on this machine."""
    with pool(len(batches)) as workers:
        running = {workers.submit(do_batch, name, root, batch): len(batch) for batch in batches}
        for future in as_completed(running):
            future.result()
            tick(running[future])


@contextmanager
def pool(n_batches: int) -> Iterator[Executor]:
    """Who does the batches: a Dask cluster if ``PAXFLOW_DASK_SCHEDULER`` names one; its workers see the same folders.

    Otherwise ``PAXFLOW_WORKERS`` processes (one per core by default) that end with this one; for one batch, a thread.
    """
    if address := os.environ.get("PAXFLOW_DASK_SCHEDULER"):
        with _dask(address) as cluster:
            yield cluster
        return
    count = min(int(os.environ.get("PAXFLOW_WORKERS", "0")) or os.cpu_count() or 1, n_batches)
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
