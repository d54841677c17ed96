"""Label Studio in a virtual environment of its own, because it needs other versions of what we need."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from curation.errors import ToolError, UsageError

VERSION = "1.23.2"
CONSTRAINTS = Path(__file__).with_name("constraints.txt")
_MARK = "paxflow-installed"  # empty until the install has run to its end
Tell = Callable[[str], None]


def environment_folder() -> Path:
    """Where Label Studio is installed: ``PAXFLOW_STUDIO_ENV``, else a folder of this version in the user's cache."""
    given = os.environ.get("PAXFLOW_STUDIO_ENV")
    cache_home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(given) if given else Path(cache_home) / "paxflow" / f"label-studio-{VERSION}"


def install(tell: Tell) -> Path:
    """The environment's Python, installed if it is not there whole; raises ToolError if that fails.

    One installs, others wait. What was begun and not ended is begun anew. Raises UsageError if the folder holds
    something else.
    """
    folder = environment_folder()
    if _is_whole(folder):
        return _python(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_whole(folder):
            tell(f"installing Label Studio {VERSION} into {folder} (once; about 900 MB)")
            _clear(folder)
            _fill(folder)
    return _python(folder)


def _clear(folder: Path) -> None:
    """Remove an environment that is not whole, and nothing else: the folder may be one that somebody named."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _MARK).is_file():
        raise UsageError(f"{folder} holds something else: expected a new folder in PAXFLOW_STUDIO_ENV")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / _MARK).touch()


def _fill(folder: Path) -> None:
    log = folder.with_name(f"{folder.name}.log")
    uv = Path(sys.executable).with_name("uv")
    python = str(_python(folder))
    if uv.is_file():
        steps = [
            [sys.executable, "-m", "venv", "--without-pip", str(folder)],
            [str(uv), "pip", "install", "--python", python, "-r", str(CONSTRAINTS)],
        ]
    else:
        steps = [
            [sys.executable, "-m", "venv", str(folder)],
            [python, "-m", "pip", "install", "--disable-pip-version-check", "-r", str(CONSTRAINTS)],
        ]
    environment = {**os.environ, "UV_NO_PROGRESS": "1"}
    if found := os.environ.get("PIP_FIND_LINKS"):  # uv does not read pip's setting of the same meaning
        environment.setdefault("UV_FIND_LINKS", found)
    with log.open("w") as out:
        for step in steps:
            done = subprocess.run(step, check=False, stdout=out, stderr=subprocess.STDOUT, env=environment)
            if done.returncode:
                raise ToolError(f"Label Studio {VERSION} could not be installed: {log} says why; then run this again")
    (folder / _MARK).write_text(_mark(), encoding="ascii")


def _is_whole(folder: Path) -> bool:
    """Whether an install ran to its end, from the list that we have now."""
    try:
        return (folder / _MARK).read_text(encoding="ascii") == _mark()
    except FileNotFoundError:
        return False


@cache
def _mark() -> str:
    return hashlib.sha256(CONSTRAINTS.read_bytes()).hexdigest()


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"
