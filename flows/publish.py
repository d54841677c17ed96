"""Publish a release: check it, push it, commit what DVC pinned, tag it, and pull it back to compare."""

import re
import tempfile
from pathlib import Path

import yaml

from curation.errors import IntegrityError, ToolError, UsageError
from curation.release import check
from curation.store import file_sha256
from curation.workspace import Workspace
from flows.tools import clear_dead_rwlock, has_remote, read, run

_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z]+(\.[0-9A-Za-z]+)*)?")
_PINS = ("data.dvc", "dvc.lock", "dvc.yaml", "params.yaml", ".dvc/config")  # the last says where to pull from


def publish(workspace: Workspace, recipe: str, version: str) -> str:
    """Publish ``release/<recipe>`` as the git tag ``<recipe>@v<version>`` and return the tag.

    A tag that already stands is kept if it pins the same bytes; otherwise IntegrityError: a version never changes.
    """
    if not _SEMVER.fullmatch(version):
        raise UsageError(f"'{version}' is not a semantic version such as 1.2.0")
    if recipe not in workspace.settings.recipes:
        raise UsageError(
            f"there is no recipe '{recipe}': params.yaml has {', '.join(sorted(workspace.settings.recipes))}"
        )
    tag = f"{recipe}@v{version}"
    with workspace.lock("dvc"):
        clear_dead_rwlock(workspace)
        check(workspace.root / "release" / recipe)
        _check_current(workspace, recipe)
        is_new = _check_free(workspace, recipe, tag)
        if has_remote(workspace):
            run(workspace, "dvc", "push", "--quiet")
            _check_pushed(workspace, recipe)
        _commit_pins(workspace, tag)
        if is_new:
            run(workspace, "git", "tag", "--annotate", "-m", f"Release {tag}", tag)
        _check_pull(workspace, recipe, tag)
    return tag


def _check_current(workspace: Workspace, recipe: str) -> None:
    status = read(workspace, "dvc", "status", f"release@{recipe}").strip()
    if status and "up to date" not in status:
        raise IntegrityError(f"release/{recipe} is not what dvc.lock pins: run `dvc repro` first\n{status}")


def _commit_pins(workspace: Workspace, tag: str) -> None:
    """Commit DVC's files if they changed: a tag that stands before its dvc.lock would silently pin old data."""
    pins = [name for name in _PINS if (workspace.root / name).exists()]
    run(workspace, "git", "add", "--", *pins)
    if read(workspace, "git", "diff", "--cached", "--name-only", "--", *pins).strip():
        run(workspace, "git", "commit", "--quiet", "-m", f"Release {tag}", "--", *pins)


def _check_free(workspace: Workspace, recipe: str, tag: str) -> bool:
    """Whether the tag is new; raises IntegrityError if it stands and pins other contents."""
    if not read(workspace, "git", "tag", "--list", tag).strip():
        return True
    now = (workspace.root / "dvc.lock").read_text(encoding="utf-8")
    if _pinned(read(workspace, "git", "show", f"{tag}:dvc.lock"), recipe) != _pinned(now, recipe):
        raise IntegrityError(f"{tag} is already published with other contents: choose the next version")
    return False


def _pinned(lock: str, recipe: str) -> str:
    """The hash under which a dvc.lock pins the release."""
    (out,) = yaml.safe_load(lock)["stages"][f"release@{recipe}"]["outs"]
    return str(out["md5"])


def _check_pushed(workspace: Workspace, recipe: str) -> None:
    """The remote has every byte of the release: a modeler's clone pulls from there."""
    missing = read(workspace, "dvc", "status", "--cloud", "--json", f"release@{recipe}").strip()
    if missing not in ("", "{}"):
        raise IntegrityError(
            f"the remote does not hold all of release/{recipe}: run `dvc push` and look at what it says"
        )


def _check_pull(workspace: Workspace, recipe: str, tag: str) -> None:
    """What a modeler would do, from this repository at the tag, compared byte by byte."""
    with tempfile.TemporaryDirectory() as folder:
        pulled = Path(folder) / recipe
        path = f"release/{recipe}"
        run(
            workspace,
            "dvc",
            "get",
            "--quiet",
            str(workspace.root),
            path,
            "--rev",
            tag,
            "-o",
            str(pulled),
            cwd=Path(folder),
        )
        if contents(pulled) != contents(workspace.root / path):
            raise ToolError(f"`dvc get` at {tag} gave other bytes than release/{recipe}: do not hand this tag out")


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {str(p.relative_to(folder)): file_sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
