"""The programs that we call: git, dvc, and paxflow itself, each beside this Python and in the workspace."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from curation.errors import ToolError
from curation.workspace import Workspace

NOBODY = {
    f"GIT_{role}_{what}": name
    for role in ("AUTHOR", "COMMITTER")
    for what, name in (("NAME", "paxflow"), ("EMAIL", "paxflow@localhost"))
}
QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    "PREFECT_LOGGING_SERVER_LEVEL": "ERROR",
    "PREFECT_CLI_WRAP_LINES": "false",
}


def environment(workspace: Workspace | None = None) -> dict[str, str]:
    """The environment of a child: quiet tools, our own programs first, and Prefect's home inside the vault."""
    env = {**QUIET, **os.environ}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
    if workspace is not None and os.environ.get("PAXFLOW_VAULT"):
        env["PREFECT_HOME"] = str(workspace.vault / "prefect")
    return env if _git_knows_who() else {**NOBODY, **env}


@cache
def _git_knows_who() -> bool:
    """Whether git has a name to commit and tag under; on a fresh machine it has none, and would refuse."""
    return not subprocess.run(["git", "config", "user.email"], check=False, capture_output=True).returncode


def run(workspace: Workspace, *command: str, cwd: Path | None = None) -> None:
    """Run a program in the workspace, its output on the terminal; raises ToolError if it fails."""
    done = subprocess.run(command, cwd=cwd or workspace.root, env=environment(workspace), check=False)
    if done.returncode:
        raise ToolError(
            f"`{' '.join(command[:3])}` ended with exit code {done.returncode}: its own message stands above"
        )


def read(workspace: Workspace, *command: str, cwd: Path | None = None) -> str:
    """Run a program in the workspace and return what it prints; raises ToolError with its message if it fails."""
    done = subprocess.run(
        command, cwd=cwd or workspace.root, env=environment(workspace), check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise ToolError(
            f"`{' '.join(command[:3])}` ended with exit code {done.returncode}: {done.stderr.strip()[-500:]}"
        )
    return done.stdout


def clear_dead_rwlock(workspace: Workspace) -> None:
    """Remove the empty lock file that a killed ``dvc`` leaves and every later one stumbles over.

    Call it only under the workspace's own ``dvc`` lock: then no dvc that we started is alive.
    """
    lock = workspace.root / ".dvc" / "tmp" / "rwlock"
    if lock.is_file() and not lock.read_bytes().strip():
        lock.unlink()


def has_remote(workspace: Workspace) -> bool:
    """Whether DVC has a default remote to push to."""
    done = subprocess.run(
        ["dvc", "config", "core.remote"],
        cwd=workspace.root,
        env=environment(workspace),
        check=False,
        capture_output=True,
    )
    return done.returncode == 0 and bool(done.stdout.strip())
