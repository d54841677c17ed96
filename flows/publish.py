"""Publish a release: check it, push it, commit what DVC pinned, tag it, and pull it back to compare."""

import re
import tempfile
from pathlib import Path

import yaml

from curation.errors import IntegrityError, ToolError, UsageError
from curation.release import check
from curation.store import file_sha256
from curation.workspace import Workspace
from flows.tools import has_remote, read, run

_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?")
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
    with workspace.lock("publish"):
        check(workspace.root / "release" / recipe)
        _check_current(workspace, recipe)
        if has_remote(workspace):
            run(workspace, "dvc", "push", "--quiet")
        _commit_pins(workspace, tag)
        _tag(workspace, recipe, tag)
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


def _tag(workspace: Workspace, recipe: str, tag: str) -> None:
    if read(workspace, "git", "tag", "--list", tag).strip():
        if _pinned(workspace, recipe, tag) != _pinned(workspace, recipe, "HEAD"):
            raise IntegrityError(f"{tag} is already published with other contents: choose the next version")
        return
    run(workspace, "git", "tag", "--annotate", "-m", f"Release {tag}", tag)


def _pinned(workspace: Workspace, recipe: str, revision: str) -> str:
    """The hash under which a revision's dvc.lock pins the release."""
    lock = yaml.safe_load(read(workspace, "git", "show", f"{revision}:dvc.lock"))
    (out,) = lock["stages"][f"release@{recipe}"]["outs"]
    return str(out["md5"])


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
