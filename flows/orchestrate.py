"""Prefect's one home: the flow behind a stage, the scheduled flow ``curate``, and the seal around both.

Prefect keeps exception texts, tracebacks, parameters and run names in its database. So a flow or task here is given
stage and batch numbers only, and what fails inside leaves as type and place (``SealedError``), never as its message.
"""

import os
import re
import traceback
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.server.api.server import SubprocessASGIServer
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from curation.errors import PaxflowError
from curation.workspace import Workspace
from flows.executors import Advance, Batches, do_batch, pool
from flows.stages import BORDER
from flows.tools import clear_dead_rwlock, has_remote, run
from labeling.studio.connection import is_connected

_WAITING = 64  # threads that wait for a batch each; the pool decides how many run
_FRAME = re.compile(r'^  File "([^"]+)", line (\d+), in ', re.MULTILINE)


class SealedError(PaxflowError):
    """A failure as Prefect may keep it: the error's type and where it was raised."""

    def __init__(self, kind: str, place: str, exit_code: int = 1) -> None:
        super().__init__(f"{kind} at {place}; the message is on the terminal and in the journal that started this run")
        self.exit_code = exit_code


def seal(error: BaseException) -> SealedError:
    """The error without its text, cause, context and frames."""
    return SealedError(type(error).__name__, _place(error), getattr(error, "exit_code", 1))


def _place(error: BaseException) -> str:
    """File and line where it was raised; a worker process leaves its traceback as text in the cause."""
    remote = _FRAME.findall(str(error.__cause__ or ""))
    local = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    file, line = (remote or local or [("somewhere", 0)])[-1]
    return f"{Path(file).name}:{line}"


def run_batches(name: str, root: Path, batches: Batches, tick: Advance) -> None:
    """Run a stage's batches as tasks of one flow run; the first failure is raised here in full, outside Prefect."""
    failures: list[BaseException] = []
    with pool(len(batches)) as workers:

        @task(name=f"{name}-batch", task_run_name="batch-{number}", cache_policy=NO_CACHE, persist_result=False)
        def one_batch(number: int) -> int:
            future = workers.submit(do_batch, name, root, batches[number])
            return _settled(future, failures)

        @flow(name=f"paxflow-{name}", flow_run_name=name, task_runner=_runner(len(batches)), persist_result=False)
        def stage_flow() -> int:
            states = [one_batch.submit(number) for number in range(len(batches))]
            for number, state in enumerate(states):
                state.wait()
                tick(len(batches[number]))
            if failures:
                raise seal(failures[0])
            return len(batches)

        stage_flow(return_state=True)
    if failures:
        raise failures[0]


def _settled(future: "Future[int]", failures: list[BaseException]) -> int:
    error = future.exception()
    if error is not None:
        failures.append(error)
        raise seal(error)
    return future.result()


def _runner(at_most: int) -> "TaskRunner[Any]":
    return ThreadPoolTaskRunner(max_workers=min(at_most, _WAITING))


# --- the scheduled flow ----------------------------------------------------------------------------------


@task(name="command", cache_policy=NO_CACHE, persist_result=False)
def command(*words: str) -> None:
    """One program as one task; its output goes to the terminal, and its failure says the words and the exit code."""
    run(Workspace.find(), *words)


@flow(name="curate", flow_run_name="curate", persist_result=False)
def curate() -> None:
    """Take in what has arrived, bring everything up to date, and push it. What a schedule runs."""
    workspace = Workspace.find()
    with workspace.lock("dvc"):
        clear_dead_rwlock(workspace)
        for stage in BORDER:
            command.with_options(task_run_name=stage)("paxflow", "run", stage)
        if is_connected(workspace):  # a server that is down stops nothing: the next run brings home what readers did
            command.with_options(task_run_name="sync")("paxflow", "read", "sync", return_state=True)
        command.with_options(task_run_name="dvc-add")("dvc", "add", "--quiet", "data")
        command.with_options(task_run_name="dvc-repro")("dvc", "repro")
        if has_remote(workspace):
            command.with_options(task_run_name="dvc-push")("dvc", "push", "--quiet")


def curate_once(workspace: Workspace) -> None:
    """Run ``curate`` now: on the configured Prefect server, or on one that lives as long as this run."""
    if os.environ.get("PREFECT_API_URL"):
        curate()
        return
    with SubprocessASGIServer() as server:
        os.environ["PREFECT_API_URL"] = server.api_url
        run(workspace, "paxflow", "curate")
