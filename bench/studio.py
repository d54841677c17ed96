"""A thousand masks to a real Label Studio, answered, and home again: `python -m bench.studio`. Aim: under two minutes.

The server is made and started first, which is not counted. Reads are submitted through the API as the reader, four at a
time, with the mask that was pushed and a verdict.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from curation.deid.keys.key import make_key
from curation.records import Task
from curation.workspace import Workspace
from labeling.studio.connection import client_for
from labeling.studio.push import push
from labeling.studio.sync import sync
from tests.labeling.studio_rows import batch_of, choice, give, heart_mark, project_of, submit, with_views
from tests.studio import Studio, studio_in

READER = "reader@bench.example"
SIDE = 512


@contextmanager
def timed(what: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    print(f"{what:<28} {time.perf_counter() - start:7.1f} s", flush=True)


def workspace_in(root: Path) -> Workspace:
    os.environ["PAXFLOW_VAULT"] = str(root / "vault")
    (root / "workspace").mkdir()
    (root / "workspace" / "params.yaml").write_text(Path("params.yaml").read_text())
    (root / "workspace" / "dvc.yaml").write_text("stages: {}\n")
    make_key(root / "vault" / "key")
    return Workspace(root / "workspace")


def answer(studio: Studio, tasks: list[dict[str, Any]]) -> None:
    with studio.session(READER) as client, ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda task: _answer(client, task), tasks))


def _answer(client: httpx.Client, task: dict[str, Any]) -> None:
    started = task["predictions"][0]
    marks = [*started["result"], choice("verdict", "masks are right", "image")]
    submit(client, task["id"], *marks, parent_prediction=started["id"])


def tasks_of(client: httpx.Client, project_id: int) -> list[dict[str, Any]]:
    asked = {"project": project_id, "page_size": 1000, "fields": "all"}
    return list(client.get("/api/tasks/", params=asked).json()["tasks"])


def run(root: Path, studio: Studio, n: int) -> None:
    workspace = workspace_in(root)
    with_views(workspace, n, SIDE)
    reader = studio.reader(workspace, READER).reader_id
    give(
        workspace, [reader], [f"v{k:02}" for k in range(n)], "bench", task=Task.MASK_REVIEW, marks=[[heart_mark(SIDE)]]
    )
    whole = time.perf_counter()
    with timed(f"push {n}"):
        print(push(workspace, studio.connection, "bench"))
    with timed("push again"):
        push(workspace, studio.connection, "bench")
    with client_for(studio.connection) as client:
        tasks = tasks_of(client, project_of(client, batch_of(workspace, "bench", Task.MASK_REVIEW), reader)["id"])
    with timed(f"answer {n}"):
        answer(studio, tasks)
    with timed(f"sync {n}"):
        print(sync(workspace, studio.connection))
    with timed("sync, nothing new"):
        print(sync(workspace, studio.connection))
    print(f"{'in all':<28} {time.perf_counter() - whole:7.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=1000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        studio = studio_in(Path(folder) / "home")
        try:
            run(Path(folder), studio, given.tasks)
        finally:
            studio.stop()


if __name__ == "__main__":
    main()
