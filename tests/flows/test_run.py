"""Executors: the same batches on one core, on several, and on a Dask cluster give the same bytes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from curation.records import Report
from curation.store import to_arrow, write_parquet

SCRIPT = """
import os, sys
from pathlib import Path
from curation.workspace import Workspace
from flows.run import run_stage
if __name__ == "__main__":
    if sys.argv[1] == "dask":
        from distributed import LocalCluster
        cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
        os.environ["PAXFLOW_DASK_SCHEDULER"] = cluster.scheduler_address
    else:
        os.environ["PAXFLOW_WORKERS"] = sys.argv[1]
    ended = []
    outcome = run_stage("mine", Workspace(Path.cwd()), lambda todo: ended.append)
    print(outcome.done, outcome.rejected, sum(ended))
"""


def run(root: Path, how: str) -> dict[str, bytes]:
    """Mine a few reports, two a batch; what the stage wrote."""
    folder = root / how
    folder.mkdir()
    text = Path("params.yaml").read_text()
    (folder / "params.yaml").write_text(text.replace("mine:\n", "mine:\n  batch_items: 2\n"))
    (folder / "dvc.yaml").write_text("stages: {}\n")
    texts = ["FINDINGS: No effusion.", "FINDINGS: A large heart.", "", "IMPRESSION: Possible pneumonia.", "Clear."]
    reports = [Report(f"r{n}", "p", "", None, "local", "LicenseRef-local", text) for n, text in enumerate(texts)]
    write_parquet(to_arrow(Report, reports), folder / "data" / "reports" / "a.parquet")
    (root / "script.py").write_text(SCRIPT)
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    env.pop("PREFECT_API_URL", None)
    command = [sys.executable, str(root / "script.py"), how]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["6", "1", "6"]  # the concepts are an item beside the reports
    work = folder / "work"
    return {str(p.relative_to(work)): p.read_bytes() for p in sorted(work.rglob("*")) if p.is_file()}


def test_one_process_or_two_give_the_same_bytes(tmp_path: Path) -> None:
    alone = run(tmp_path, "1")
    assert alone == run(tmp_path, "2")
    assert len([name for name in alone if name.startswith("mine/manifest/")]) == 3


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_bytes(tmp_path: Path) -> None:
    assert run(tmp_path, "dask") == run(tmp_path, "1")
