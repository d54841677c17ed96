"""Other people's tools, each in a throw-away virtual environment of its own, and the process that a tool runs in."""

import json
import os
import shutil
import subprocess
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from curation.errors import ToolError

Numbers = dict[str, Any]


class Process:
    """A tool in its process, which answers a line of JSON with one; ToolError with what it said last if it ends."""

    def __init__(self, command: Sequence[str | Path], path: Sequence[Path]) -> None:
        """``path`` is where it finds our packages: nowhere, if it is a peer."""
        hidden = ("PAXFLOW_", "PYTHONPATH")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
        if path:
            environment["PYTHONPATH"] = os.pathsep.join(map(str, path))
        self._said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            list(map(str, command)),
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
        )

    def tell(self, asked: Numbers) -> None:
        """Begin a turn."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()

    def answer(self) -> Numbers:
        """What the turn has cost."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._said.seek(0)
            last = self._said.read().strip().splitlines()[-1:] or ["nothing"]
            raise ToolError(f"it ended, and said: {last[0][:200]}")
        numbers: Numbers = json.loads(line)
        return numbers

    def end(self) -> None:
        """Let it go."""
        self._process.communicate()
        self._said.close()


def install(requirements: tuple[str, ...], cache: Path) -> Path:
    """The Python of an environment with these packages, made if it is not there; ToolError says what pip said."""
    home = cache / requirements[0]
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        shutil.rmtree(home, ignore_errors=True)
        venv.create(home, with_pip=True)
        command = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = done.stderr.strip().splitlines()[-1:] or ["nothing"]
            raise ToolError(f"it cannot be installed; pip said: {last[0][:200]}")
        (home / "ready").touch()
    return python
