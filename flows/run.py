"""Run one stage: lock, plan, do what is not done, finish. The same with and without Prefect."""

import os
import time
from collections.abc import Callable
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

from curation.errors import IntegrityError
from curation.stage import Todo, manifest, prepare
from curation.workspace import Workspace
from flows.executors import Advance, Batches, do_batch, pool, stop_with_parent
from flows.stages import step_named
from flows.tools import environment


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
        asked = {item.name for batch in todo.batches for item in batch}
        done = {row.item: row for row in manifest(workspace, stage) if row.item in asked}
        if len(done) < len(asked):
            raise IntegrityError(f"{name}: {len(asked) - len(done)} items did not end, although no error reached us")
        rejected = sum(row.n_rows == 0 for row in done.values())
    return Outcome(name, todo.n_items, todo.n_done, len(asked), rejected, time.monotonic() - started)


def _ignore(count: int) -> None:
    """No one watches."""


def _execute(name: str, root: Path, batches: Batches, tick: Advance) -> None:
    if os.environ.get("PREFECT_API_URL"):
        os.environ.update(environment(Workspace(root)))  # Prefect's home lies in the vault
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
