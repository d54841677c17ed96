"""Published versions of releases: git tags ``<recipe>@v<version>``, their tables fetched once through DVC.

A version never changes, so what was fetched stays in ``.paxflow/releases/<tag>/``: tables and documents, no pictures.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from curation.errors import InputError, UsageError
from curation.release.build import answers_of, folder_of
from curation.release.opened import CHECKSUMS, Opened
from curation.release.recipe import NAMES, recipe_named
from curation.release.views import Shelf
from curation.workspace import Workspace
from flows.tools import environment, read, run

_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-([0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*))?")
_PICTURES = (".tar", ".png", ".svg")


@dataclass(frozen=True)
class Version:
    """One published version of one recipe."""

    recipe: str
    number: str

    @property
    def tag(self) -> str:
        """As git and GTO have it."""
        return f"{self.recipe}@v{self.number}"

    @cached_property
    def order(self) -> tuple[object, ...]:
        """Sorts as semantic versions do (2.0.0, clause 11): a pre-release stands before its release."""
        return order_of(self.number)


def order_of(number: str) -> tuple[object, ...]:
    """The place of a version among others; raises UsageError if it is not a semantic version."""
    found = _SEMVER.fullmatch(number)
    if found is None:
        raise UsageError(f"'{number}' is not a semantic version such as 1.2.0")
    before = found[4]
    parts = [(0, int(p), "") if p.isdigit() else (1, 0, p) for p in before.split(".")] if before else []
    return int(found[1]), int(found[2]), int(found[3]), before is None, parts


def version_of(tag: str) -> Version | None:
    """The version that a tag names, or None for any other tag."""
    recipe, _, number = tag.partition("@v")
    return Version(recipe, number) if recipe in NAMES and _SEMVER.fullmatch(number) else None


def versions(workspace: Workspace, recipe: str = "") -> list[Version]:
    """All published versions, or one recipe's, the oldest first."""
    tags = read(workspace, "git", "tag", "--list", f"{recipe or '*'}@v*").split()
    found = [version for tag in tags if (version := version_of(tag))]
    return sorted(found, key=lambda version: (version.recipe, version.order))


def before(workspace: Workspace, recipe: str, number: str) -> str:
    """The number of the newest published version below ``number``; empty if there is none."""
    older = [v.number for v in versions(workspace, recipe) if v.order < order_of(number)]
    return older[-1] if older else ""


def fetch(workspace: Workspace, version: Version) -> Opened:
    """A version's tables and documents; raises InputError if git has no such tag."""
    if version not in versions(workspace, version.recipe):
        raise InputError(
            f"git has no tag {version.tag}: `paxflow release list` has them; `git fetch --tags` brings others"
        )
    place = workspace.root / ".paxflow" / "releases" / version.tag
    if not (place / "release" / CHECKSUMS).is_file():
        making = place.with_name(f"{version.tag}.{os.getpid()}.tmp")
        shutil.rmtree(making, ignore_errors=True)
        _copy(workspace, version, making)
        shutil.rmtree(place, ignore_errors=True)
        making.replace(place)
    answers = place / "answers"
    return Opened(place / "release", answers if answers.is_dir() else None)


def _copy(workspace: Workspace, version: Version, target: Path) -> None:
    from dvc.api import DVCFileSystem  # takes two seconds

    os.environ.update(environment(workspace))
    files = DVCFileSystem(str(workspace.root), rev=version.tag)
    for folder, name in ((f"release/{version.recipe}", "release"), (f"answers/{version.recipe}", "answers")):
        if not files.exists(folder):
            continue
        for path in files.find(folder):
            if not path.endswith(_PICTURES) and "/mini/" not in path:
                to = target / name / Path(path).relative_to(folder)
                to.parent.mkdir(parents=True, exist_ok=True)
                files.get_file(path, str(to))


def opened(workspace: Workspace | None, name: str) -> Opened:
    """A release by what a user types: a tag, a recipe (as it lies in the workspace), or a folder.

    A pulled folder needs no workspace: outside one it is all that can be named.
    """
    if workspace is None:
        if not Path(name).is_dir():
            raise UsageError(f"'{name}' is no folder, and here is no paxflow workspace that could have it")
        return Opened(Path(name))
    version = version_of(name)
    if version:
        return fetch(workspace, version)
    if name in NAMES:
        answers = answers_of(workspace, name)
        return Opened(folder_of(workspace, name), answers if answers.is_dir() else None)
    if Path(name).is_dir():
        return Opened(Path(name))
    raise UsageError(f"'{name}' is no version such as paxray@v1.2.0, no recipe ({', '.join(NAMES)}) and no folder")


def two_of_a_recipe(workspace: Workspace | None, old: str, new: str) -> tuple[Opened, Opened]:
    """Two releases to compare; raises UsageError if they are of different recipes."""
    before, after = opened(workspace, old), opened(workspace, new)
    if before.recipe != after.recipe:
        raise UsageError(f"{old} is of the recipe {before.recipe} and {new} of {after.recipe}: name two of one recipe")
    return before, after


@contextmanager
def whole(workspace: Workspace | None, name: str) -> Iterator[Opened]:
    """The same with every file, pictures too: a version is pulled into a folder that is gone afterwards."""
    version = version_of(name)
    if version is None or workspace is None:
        yield opened(workspace, name)
        return
    fetched = fetch(workspace, version)
    with tempfile.TemporaryDirectory() as folder:
        pulled = pull(workspace, version, Path(folder))
        yield Opened(pulled, fetched.answers)


def pull(workspace: Workspace, version: Version, folder: Path) -> Path:
    """What a modeler does: ``dvc get`` of a version from this repository; returns the release in ``folder``."""
    target = folder / version.recipe
    path = f"release/{version.recipe}"
    words = ("dvc", "get", "--quiet", str(workspace.root), path, "--rev", version.tag, "-o", str(target))
    run(workspace, *words, cwd=folder)
    return target


def shelves_of(workspace: Workspace, name: str) -> tuple[Shelf, list[Shelf]]:
    """The release that a user names, and all versions of its recipe with it, the oldest first."""
    version = version_of(name)
    here = opened(workspace, name)
    recipe_named(here.recipe)  # a folder may say anything
    shelves = [Shelf(each.tag, fetch(workspace, each).folder) for each in versions(workspace, here.recipe)]
    if version is None:
        shelves.append(Shelf(here.recipe, here.folder.resolve()))
    wanted = version.tag if version else here.recipe
    return next(shelf for shelf in shelves if shelf.name == wanted), shelves


def tag_message(workspace: Workspace, tag: str) -> str:
    """What publish wrote into a tag: revisions of git and DVC."""
    return read(workspace, "git", "tag", "--list", "--format=%(contents)", tag).strip()
