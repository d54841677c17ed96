"""Publish a release: check it, push it, commit what DVC pinned, tag it, and pull it back to compare."""

import re
import tempfile
from pathlib import Path

import yaml

from curation.errors import InputError, IntegrityError, ToolError, UsageError
from curation.release.build import answers_of, folder_of
from curation.release.check import check
from curation.release.checks.identifiers import known_identifiers
from curation.release.opened import Opened
from curation.store import atomic, file_sha256
from curation.workspace import Workspace
from flows.tools import clear_dead_rwlock, has_remote, read, run
from flows.versions import Version, before, order_of, pull

UNSAID = "Say here"
"""What the attribution of a new workspace begins with."""
_PINS = ("data.dvc", "dvc.lock", "dvc.yaml", "params.yaml", ".dvc/config")  # the last says where to pull from


def publish(workspace: Workspace, recipe: str, number: str) -> str:
    """Publish ``release/<recipe>`` as the git tag ``<recipe>@v<number>`` and return the tag.

    A tag that already stands is kept if it pins the same bytes; otherwise IntegrityError: a version never changes.
    What CHANGES.md compares with is the newest version below this one: where ``params.yaml`` names another, it is
    changed there and the release is built anew.
    """
    order_of(number)
    if recipe not in workspace.settings.recipes:
        names = ", ".join(sorted(workspace.settings.recipes))
        raise UsageError(f"there is no recipe '{recipe}': params.yaml has {names}")
    version = Version(recipe, number)
    with workspace.lock("dvc"):
        clear_dead_rwlock(workspace)
        is_new = not read(workspace, "git", "tag", "--list", version.tag).strip()
        if is_new:
            _compare_with(workspace, recipe, before(workspace, recipe, number))
        release = Opened(folder_of(workspace, recipe), answers_of(workspace, recipe))
        _check_worth(release)
        check(release, known_identifiers(workspace))
        check_current(workspace, recipe)
        if not is_new:
            _check_same(workspace, version)
        if has_remote(workspace):
            run(workspace, "dvc", "push", "--quiet")
            _check_pushed(workspace, recipe)
        _commit_pins(workspace, version.tag)
        if is_new:
            run(workspace, "git", "tag", "--annotate", "-m", _message(workspace, version, release), version.tag)
        _check_pull(workspace, version)
    return version.tag


def _compare_with(workspace: Workspace, recipe: str, since: str) -> None:
    """Name the version before in params.yaml, and build the release anew if that is new."""
    if workspace.settings.recipes[recipe].since == since:
        return
    path = workspace.root / "params.yaml"
    with atomic(path) as temporary:
        temporary.write_text(with_since(path.read_text(encoding="utf-8"), recipe, since), encoding="utf-8")
    run(workspace, "dvc", "repro", "--quiet", "--single-item", f"release@{recipe}")


def with_since(text: str, recipe: str, since: str) -> str:
    """``params.yaml`` with the version that a recipe's changes are told against; all else, comments too, as it was."""
    own = re.search(rf"^(  {re.escape(recipe)}:[^\n]*\n)((?:(?:    [^\n]*)?\n)*)", text, re.MULTILINE)
    if own is None:
        raise UsageError(f"params.yaml has no section {recipe} below `recipes`, indented by two spaces")
    others = re.sub(r"^    since:[^\n]*\n", "", own[2], flags=re.MULTILINE)
    line = f"    since: {since}\n" if since else ""
    return f"{text[: own.end(1)]}{line}{others}{text[own.end() :]}"


def _check_worth(release: Opened) -> None:
    """An empty release builds, so that a schedule goes on, but is not handed out."""
    if not any(len(release.table(name)) for name in ("images", "reports") if name in release.names):
        raise InputError(f"release/{release.recipe} has no image and no report: `paxflow rejects` says what stopped")
    if release.settings["attribution"].startswith(UNSAID):
        raise UsageError(f"params.yaml does not say where {release.recipe} is from: set its attribution and licence")


def check_current(workspace: Workspace, recipe: str) -> None:
    """The release and all that it is made from: a stage before it that is behind params.yaml belies provenance.json."""
    status = read(workspace, "dvc", "status", "--with-deps", f"release@{recipe}").strip()
    if status and "up to date" not in status:
        raise IntegrityError(f"release/{recipe}, or a stage before it, is not up to date: `dvc repro` first\n{status}")


def _commit_pins(workspace: Workspace, tag: str) -> None:
    """Commit DVC's files if they changed: a tag that stands before its dvc.lock would silently pin old data."""
    pins = [name for name in _PINS if (workspace.root / name).exists()]
    run(workspace, "git", "add", "--", *pins)
    if read(workspace, "git", "diff", "--cached", "--name-only", "--", *pins).strip():
        run(workspace, "git", "commit", "--quiet", "-m", f"Release {tag}", "--", *pins)


def _check_same(workspace: Workspace, version: Version) -> None:
    """Raise IntegrityError if the tag stands and pins other contents."""
    now = (workspace.root / "dvc.lock").read_text(encoding="utf-8")
    if pinned(read(workspace, "git", "show", f"{version.tag}:dvc.lock"), version.recipe) != pinned(now, version.recipe):
        raise IntegrityError(f"{version.tag} is already published with other contents: choose the next version")


def pinned(lock: str, recipe: str) -> dict[str, str]:
    """The hashes under which a dvc.lock pins the release and its answers, by path."""
    return {out["path"]: str(out["md5"]) for out in yaml.safe_load(lock)["stages"][f"release@{recipe}"]["outs"]}


def _message(workspace: Workspace, version: Version, release: Opened) -> str:
    """The tag's message: revisions of git and DVC, which the release itself cannot hold."""
    lock = pinned((workspace.root / "dvc.lock").read_text(encoding="utf-8"), version.recipe)
    data = workspace.root / "data.dvc"
    outs = yaml.safe_load(data.read_text(encoding="utf-8"))["outs"] if data.is_file() else []
    facts = {
        "paxflow": release.provenance["paxflow"],
        "git": read(workspace, "git", "rev-parse", "HEAD").strip(),
        **{f"dvc {out['path']}": out["md5"] for out in outs},
        **{f"dvc {path}": md5 for path, md5 in sorted(lock.items())},
    }
    return "\n".join([f"Release {version.tag}", "", *(f"{name}: {value}" for name, value in facts.items())])


def _check_pushed(workspace: Workspace, recipe: str) -> None:
    """The remote has every byte of the release: a modeler's clone pulls from there."""
    missing = read(workspace, "dvc", "status", "--cloud", "--json", f"release@{recipe}").strip()
    if missing not in ("", "{}"):
        raise IntegrityError(
            f"the remote does not hold all of release/{recipe}: run `dvc push` and look at what it says"
        )


def _check_pull(workspace: Workspace, version: Version) -> None:
    """What a modeler would do, from this repository at the tag, compared byte by byte."""
    path = f"release/{version.recipe}"
    with tempfile.TemporaryDirectory() as folder:
        if contents(pull(workspace, version, Path(folder))) != contents(workspace.root / path):
            raise ToolError(f"`dvc get` at {version.tag} gave other bytes than {path}: do not hand this tag out")


def contents(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative path."""
    return {str(p.relative_to(folder)): file_sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}
