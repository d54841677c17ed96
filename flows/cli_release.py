"""The commands of ``paxflow release``: what modelers pull."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.say import speaker_of

if TYPE_CHECKING:
    from curation.release.opened import Opened
    from curation.workspace import Workspace

release_app = typer.Typer(
    no_args_is_help=True,
    help="Releases: build, check, compare and publish what modelers pull.",
)
Release = Annotated[
    str,
    typer.Argument(metavar="RELEASE", help="A recipe as it lies here, a version such as paxray@v1.2.0, or a folder."),
]


@release_app.command("build")
def release_build(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="`paxflow release list` names them.")],
) -> None:
    """Build release/RECIPE and answers/RECIPE from what the stages have made. `dvc repro` runs this."""
    from curation.release.build import build
    from flows.versions import Version, fetch

    workspace = _workspace()
    with workspace.lock(f"release-{recipe}"):
        settings = workspace.settings.recipes.get(recipe)
        since = settings.since if settings else ""
        counts = build(workspace, recipe, fetch(workspace, Version(recipe, since)) if since else None)
    rows = ", ".join(f"{count:,} {table}" for table, count in counts.items() if count)
    speaker_of(context).say("release", f"release/{recipe}: {rows or 'nothing yet'}", recipe=recipe, **counts)


@release_app.command("check")
def release_check(context: typer.Context, release: Release) -> None:
    """Prove what a release promises: files, splits, labels, boxes, priors, texts, the card's numbers.

    Exits with 6 and names each promise that is broken. With PAXFLOW_VAULT it also looks for the vault's identifiers.
    """
    from curation.release.check import check, is_ours
    from curation.release.checks.identifiers import known_identifiers
    from flows.versions import whole

    workspace = _workspace_if_any()
    known = known_identifiers(workspace) if workspace and os.environ.get("PAXFLOW_VAULT") else ()
    with whole(workspace, release) as found:
        check(found, known)
        ours = is_ours(found)
    also = f", and none of {len(known):,} identifiers of the vault is in it" if known else ""
    speaker = speaker_of(context)
    speaker.say("check", f"{release} keeps its promises{also}.", release=release, identifiers=len(known))
    if not known:
        speaker.hint("No identifier of a vault was looked for: there is none here, or PAXFLOW_VAULT does not name it.")
    if not ours:
        speaker.hint("Its card was not counted again: another version of paxflow made it.")


@release_app.command("diff")
def release_diff(
    context: typer.Context,
    old: Annotated[str, typer.Argument(metavar="A", help="A version such as paxray@v1.2.0, a recipe, or a folder.")],
    new: Annotated[str, typer.Argument(metavar="B", help="The same recipe's.")],
) -> None:
    """Say what is new in B since A: rows by table and reason, parameters, columns."""
    from curation.release.changes import diff, markdown
    from flows.versions import two_of_a_recipe

    text = markdown(diff(*two_of_a_recipe(_workspace_if_any(), old, new)))
    speaker_of(context).say("diff", text, old=old, new=new)


@release_app.command("publish")
def release_publish(
    context: typer.Context,
    recipe: Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe, e.g. paxray.")],
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A semantic version, e.g. 1.2.0.")],
) -> None:
    """Check a release, push it, tag it as RECIPE@vVERSION, and pull it back to compare."""
    from flows.publish import publish
    from flows.tools import has_remote

    workspace = _workspace()
    tag = publish(workspace, recipe, version)
    text = f"{tag} is published: `dvc get <this repository> release/{recipe} --rev {tag}`"
    speaker = speaker_of(context)
    speaker.say("publish", text, tag=tag)
    if has_remote(workspace):
        speaker.hint("Next: `git push --follow-tags`, so that others see it.")
    else:
        speaker.hint("Only this machine has its data: `dvc remote add -d NAME PLACE`, and publish the next version.")


@release_app.command("list")
def release_list(context: typer.Context) -> None:
    """List recipes, what lies here of each, and every published version."""
    from curation.release.recipe import NAMES
    from flows.versions import opened, versions

    workspace = _workspace()
    rows = []
    for name in NAMES:
        published = [version.number for version in versions(workspace, name)]
        here = workspace.root / "release" / name
        found = opened(workspace, name) if here.is_dir() else None
        images, reports = (_sizes(found, table) if found else "" for table in ("images", "reports"))
        title = workspace.settings.recipes[name].title if name in workspace.settings.recipes else "not in params.yaml"
        rows.append((name, title, images, reports, ", ".join(published)))
    speaker_of(context).table(["recipe", "title", "images here", "reports here", "published"], rows)


def _sizes(release: "Opened", name: str) -> str:
    return f"{len(release.table(name)):,}" if name in release.names else ""


@release_app.command("show")
def release_show(context: typer.Context, release: Release) -> None:
    """Show one release: what it was made from, its tables, and the revisions that its tag names."""
    from flows.versions import opened, tag_message, version_of

    workspace = _workspace_if_any()
    speaker, found = speaker_of(context), opened(workspace, release)
    if workspace and version_of(release):
        speaker.say("tag", tag_message(workspace, release), release=release)
    else:
        made = found.provenance
        speaker.say("release", f"{found.recipe}, made by paxflow {made['paxflow']}", recipe=found.recipe)
    rows = [(name, f"{len(found.table(name)):,}", ", ".join(found.table(name).columns[:8])) for name in found.names]
    speaker.table(["table", "rows", "first columns"], rows)


@release_app.command("export")
def release_export(
    context: typer.Context,
    release: Release,
    layout: Annotated[
        str, typer.Option(help="mimic-cxr-jpg, vindr-cxr, padchest, paxray, rexrank or benchx: whose loaders read it.")
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new or empty folder.")],
) -> None:
    """Write a release in the layout of a published dataset, for programs that read that one."""
    from curation.layouts import layout_named
    from flows.versions import whole

    with whole(_workspace_if_any(), release) as found:
        count = layout_named(layout).write(found, out)
    speaker_of(context).say(
        "export", f"{count:,} files in {out}, in the layout of {layout}.", files=count, layout=layout
    )


@release_app.command("official")
def release_official(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="CSV or TSV with a column of patients and one of splits.")
    ],
    name: Annotated[str, typer.Option(help="How params.yaml will name it, e.g. mimic-cxr.")],
    issuer: Annotated[
        str, typer.Option(help="IssuerOfPatientID, if the images have one; without it no patient is found.")
    ] = "",
) -> None:
    """Take in a split that somebody has published, under our pseudonyms; `official: NAME` in params.yaml honours it."""
    from curation.release.official import awaited, take_official

    workspace = _workspace()
    count, missing = take_official(workspace, file, name, issuer), awaited(workspace, name)
    text = f"{count:,} patients have a split under the name {name}; {missing:,} of them are not here yet."
    speaker = speaker_of(context)
    speaker.say("official", text, patients=count, awaited=missing)
    if missing == count:
        speaker.hint("If they should be: images may have an IssuerOfPatientID, which `--issuer` must name.")
    speaker.hint(f"Next: `dvc add data`, `official: {name}` below a recipe in params.yaml, and `dvc repro`.")


def _workspace() -> "Workspace":
    from curation.workspace import Workspace

    return Workspace.find()


def _workspace_if_any() -> "Workspace | None":
    """None outside a workspace: a pulled folder needs none."""
    from curation.errors import UsageError

    try:
        return _workspace()
    except UsageError:
        return None
