"""The seal, on a real Prefect server: what fails inside leaves its database and storage without its text."""

import base64
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from curation.stage import Item

SECRET = "QUILLFEATHER^AUGUSTA"
SCRIPT = """
import os, sys
from pathlib import Path
from prefect.server.api.server import SubprocessASGIServer
if __name__ == "__main__":
    with SubprocessASGIServer() as server:
        os.environ["PREFECT_API_URL"] = server.api_url
        from prefect import flow
        from flows import orchestrate
        from tests.flows import test_orchestrate as here
        ended = []
        if sys.argv[1] == "sealed":
            orchestrate.do_batch = here.failing
        elif sys.argv[1] == "fine":
            orchestrate.do_batch = here.fine
        else:
            flow(name="unsealed")(here.fail)(return_state=True)
            sys.exit(0)
        try:
            orchestrate.run_batches("mine", Path("."), [[here.ITEM], [here.ITEM], [here.ITEM]], ended.append)
            print("ended", sum(ended))
        except ValueError as error:
            print("raised", error)
"""
ITEM = Item("report:1", "abc", SECRET)


def failing(name: str, root: Path, items: Sequence[Item]) -> int:
    raise ValueError(f"cannot read the name {items[0].payload}")


def fine(name: str, root: Path, items: Sequence[Item]) -> int:
    return 0


def fail() -> None:
    raise ValueError(f"cannot read the name {SECRET}")


def run(how: str, home: Path) -> str:
    script = home / "script.py"
    script.write_text(SCRIPT)
    quiet = {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "DO_NOT_TRACK": "1", "PREFECT_LOGGING_LEVEL": "ERROR"}
    patient = {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    env = {**os.environ, **quiet, **patient, "PREFECT_HOME": str(home / "prefect"), "PYTHONPATH": str(Path.cwd())}
    env.pop("PREFECT_API_URL", None)
    done = subprocess.run([sys.executable, str(script), how], env=env, capture_output=True, text=True, check=True)
    return done.stdout


def holds(folder: Path, text: str) -> bool:
    """Whether any file below holds the text, plain or in base64 at any of its three alignments."""
    raw = text.encode()
    shapes = [raw, *(base64.b64encode(b"x" * shift + raw)[4:-4] for shift in range(3))]
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert files
    return any(shape in data for data in files for shape in shapes)


@pytest.mark.slow
def test_a_failure_reaches_the_caller_whole_and_prefect_as_type_and_place(tmp_path: Path) -> None:
    assert SECRET in run("sealed", tmp_path)
    assert not holds(tmp_path / "prefect", SECRET)
    assert holds(tmp_path / "prefect", "ValueError at test_orchestrate.py")


@pytest.mark.slow
def test_without_the_seal_prefect_would_keep_it(tmp_path: Path) -> None:
    run("unsealed", tmp_path)
    assert holds(tmp_path / "prefect", SECRET)


@pytest.mark.slow
def test_batches_run_as_tasks_of_one_flow(tmp_path: Path) -> None:
    assert run("fine", tmp_path).split() == ["ended", "3"]
    assert not holds(tmp_path / "prefect", SECRET)
