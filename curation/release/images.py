"""Which images a release has: radiographs as they were rendered, and views projected from CTs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from curation.records import Radiograph, ReleaseImage, Render, Series, View
from curation.release.duplicates import crossing, sharing
from curation.release.recipe import PROJECTION, RADIOGRAPH, Recipe
from curation.release.shards import Member
from curation.release.sources import Sources

_SIDE = {"LAT": "L", "RL": "R"}
"""Of projections: the side at the detector."""


def release_images(sources: Sources, recipe: Recipe) -> Sequence[ReleaseImage]:
    """The images of a release, written into its shards; those whose pixels stand in another split too are left out.

    The same pixels: of the original, or of the picture, which is all that a model sees.
    """
    read = {}
    candidates = []
    hashes = {}
    for row, made in _candidates(sources, recipe):
        read[row.image_id] = sources.reader(made.about.stage, made)
        hashes[row.image_id] = (f"original {row.pixel_sha256}", f"picture {made.sha256}")
        candidates.append(row)
    groups = sharing(hashes)
    twins = crossing({row.image_id: (groups[row.image_id], row.split) for row in candidates})
    for row in candidates:
        if row.image_id in twins:
            sources.leave_out("image", row.image_id, row.patient_id, "duplicate_image", twins[row.image_id])
    kept = sorted((row for row in candidates if row.image_id not in twins), key=lambda row: row.image_id)
    members = (Member(row.file_name, row.split, read[row.image_id]) for row in kept)
    placed = sources.store("images", members)
    return [
        replace(row, sha256=place.sha256, shard=place.shard, offset=place.offset, length=place.length)
        for row in kept
        for place in (placed[row.file_name],)
    ]


def _candidates(sources: Sources, recipe: Recipe) -> Iterator[tuple[ReleaseImage, Render | View]]:
    wanted = recipe.chooses(sources)
    series = {row.series_id: row for row in sources.rows(Series)}
    if RADIOGRAPH in recipe.kinds:
        radiographs = (row for row in sources.rows(Radiograph) if wanted(row.instance_id))
        yield from _radiographs(sources, series, radiographs)
    if PROJECTION in recipe.kinds:
        for view in sources.rows(View):
            if wanted(view.view_id):
                yield _projection(sources, series[view.series_id], view), view


def _radiographs(
    sources: Sources, series: Mapping[str, Series], radiographs: Iterable[Radiograph]
) -> Iterator[tuple[ReleaseImage, Render]]:
    renders = {row.instance_id: row for row in sources.rows(Render)}
    for radiograph in radiographs:
        own = series[radiograph.series_id]
        if radiograph.instance_id in renders:
            render = renders[radiograph.instance_id]
            yield _radiograph(sources, own, radiograph, render), render
        else:
            sources.leave_out("image", radiograph.instance_id, own.patient_id, "no_render")


def _radiograph(sources: Sources, series: Series, row: Radiograph, render: Render) -> ReleaseImage:
    return ReleaseImage(
        image_id=row.instance_id,
        study_id=series.study_id,
        patient_id=series.patient_id,
        split=sources.split_of(series.patient_id),
        series_id=series.series_id,
        kind=RADIOGRAPH,
        view=row.view,
        laterality="",
        rows=render.rows,
        columns=render.columns,
        original_rows=render.original_rows,
        original_columns=render.original_columns,
        pixel_spacing_mm=render.pixel_spacing_mm,
        bits=8,
        photometric=render.photometric,
        grey=render.grey,
        file_name=file_name_of(row.instance_id),
        sha256="",
        pixel_sha256=render.pixel_sha256,
        shard="",
        offset=0,
        length=0,
    )


def _projection(sources: Sources, series: Series, view: View) -> ReleaseImage:
    return ReleaseImage(
        image_id=view.view_id,
        study_id=series.study_id,
        patient_id=series.patient_id,
        split=sources.split_of(series.patient_id),
        series_id=series.series_id,
        kind=PROJECTION,
        view=view.view,
        laterality=_SIDE.get(view.view, ""),
        rows=view.rows,
        columns=view.columns,
        original_rows=view.rows,
        original_columns=view.columns,
        pixel_spacing_mm=view.pixel_spacing_mm,
        bits=8,
        photometric=view.photometric,
        grey=PROJECTION,
        file_name=file_name_of(view.view_id),
        sha256="",
        pixel_sha256=view.sha256,  # our PNGs: the same pixels give the same bytes
        shard="",
        offset=0,
        length=0,
    )


def file_name_of(image_id: str) -> str:
    """A file name with one dot: WebDataset takes what stands before the first as the key."""
    return f"{image_id.replace('.', '-')}.png"
