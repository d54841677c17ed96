"""Proves what a release promises, from its files alone."""

from collections.abc import Collection, Iterator
from importlib.metadata import version

from curation.deid.keys.identity import Identifier
from curation.errors import IntegrityError
from curation.release.card import MONTAGE, counted
from curation.release.checks.answers import wrong_answers, wrong_apart
from curation.release.checks.files import wrong_files, wrong_mini, wrong_sums
from curation.release.checks.identifiers import holds_known, looks_identifying
from curation.release.checks.pictures import wrong_pictures
from curation.release.checks.schema import wrong_columns, wrong_content, wrong_rows
from curation.release.checks.splits import wrong_splits
from curation.release.croissant import CROISSANT, croissant
from curation.release.opened import Opened
from curation.release.recipe import recipe_named


def check(release: Opened, identifiers: Collection[Identifier] = ()) -> None:
    """Raise IntegrityError naming every promise that the release breaks.

    ``identifiers``: values that must stand nowhere, see ``known_identifiers``. Where files are torn, nothing else is
    looked at; where a table has other columns than it should, nothing that reads tables; and only where all else is as
    it should be is the card made again.
    """
    broken = wrong_sums(release.folder) or [*wrong_columns(release), *wrong_apart(release)]
    if not broken:
        broken = [*_in_tables(release), *holds_known(release, identifiers)]
    if not broken:
        broken = [*wrong_card(release), *wrong_mini(release)]
    if broken:
        name = release.folder.name.removesuffix(".tmp")
        raise IntegrityError(f"release {name} breaks its promises:\n  " + "\n  ".join(broken))


def _in_tables(release: Opened) -> Iterator[str]:
    """What is wrong in tables that are formed as they should be."""
    for promised in (
        *(wrong_rows, wrong_content, wrong_splits, wrong_pictures, wrong_answers),
        *recipe_named(release.recipe).checks,
        looks_identifying,
    ):
        yield from promised(release)


def is_ours(release: Opened) -> bool:
    """Whether this version of paxflow made it."""
    return bool(release.provenance["paxflow"] == version("paxflow"))


def wrong_card(release: Opened) -> Iterator[str]:
    """Parts of the card that are not what the files give when they are counted again, and files that do not belong.

    Of the montage only that it is there: its bytes are Pillow's, and whoever checks a pulled release may have another.
    Words change from one paxflow to the next, so only the version that made a card makes it again.
    """
    card = counted(release)
    same = is_ours(release)
    for path, content in card.items():
        file = release.folder / path
        if same and file.is_file() and file.read_bytes() != content:
            yield f"{path}: it is not what the files give when it is made again: build the release again"
    if same and release.document(CROISSANT) != croissant(release):
        yield f"{CROISSANT}: it does not describe these files"
    yield from wrong_files(release, [*card, *([MONTAGE] if release.table("images").height else [])])
