"""From a CT with labels to X-ray views: the one way that the stage, the command line and the Python call take.

``ready`` does once per CT what is done in 3-D: clean the CT, derive every label, interpolate thick slices of labels.
``shown`` makes one view: pictures, masks, both conventions of lungs, and where the CT ends.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curation import rle
from curation.errors import InputError
from curation.settings import ProjectSettings
from projection.anatomy import anatomy
from projection.anatomy.body import Body, Region
from projection.anatomy.checks import Finding, check
from projection.anatomy.derive import Derived, derive
from projection.anatomy.specks import without_specks
from projection.appearance import PRESETS, Integrals, Pictures, picture
from projection.layers import Layers, overlay
from projection.pose import Detector, Pose
from projection.prepare import materials, without_contrast, without_table
from projection.quality.ct import CtQuality, ct_quality
from projection.raycast import Footprint, Scene, voxel_px
from projection.refine import finer_slices, refined
from projection.threads import thread_count

_HIDES_LUNG = ("cardiomediastinum", "heart", "subdiaphragmatic region left", "subdiaphragmatic region right")
"""What a film's lung ends at: heart and mediastinum, and the domes with all that lies below them."""
FRONTAL = ("PA", "AP")


@dataclass(frozen=True)
class Ready:
    """A CT that views can be made of."""

    body: Body
    """In the patient's axes, cleaned."""
    derived: Derived
    findings: tuple[Finding, ...]
    """Promises that the labels break."""
    quality: CtQuality
    scene: Scene


@dataclass(frozen=True)
class Shown:
    """One view."""

    pose: Pose
    magnification: float
    """At the centre of the CT."""
    pictures: Pictures
    footprints: Mapping[str, Footprint]
    visible: Mapping[str, str]
    """Lungs, lobes, zones, costophrenic angles without what hides them on a film, as COCO RLE; frontal views only."""
    coverage: str
    """COCO RLE of the rays that do not leave the CT through its ends."""


def detector_of(settings: ProjectSettings) -> Detector:
    """The detector that the settings describe."""
    return Detector(settings.size_px, settings.detector_mm, settings.source_to_detector_mm, settings.beam)


def ready(body: Body, marks: Mapping[str, Region], settings: ProjectSettings, threads: int = 0) -> Ready:
    """Clean a CT and derive its labels; ``marks`` are further labels, such as readers' findings.

    The body needs HU, which stay as they are. Raises InputError if it has none or its axes are not orthogonal.
    """
    body = without_specks(body)
    derived = derive(body) if body.numbers else Derived(Layers(body.values, (), {}), {}, {})
    boxes = {label: (region.start_zyx, region.mask) for label, region in marks.items()}
    return ready_for(body, replace(derived, layers=overlay(derived.layers, boxes)), settings, threads)


def ready_for(body: Body, derived: Derived, settings: ProjectSettings, threads: int = 0) -> Ready:
    """As ``ready``, for labels of one's own on the body's grid."""
    threads = threads or thread_count()
    if body.hu is None:
        raise InputError("views need a CT")
    hu, removed = np.array(body.hu, order="C"), None
    if settings.remove_table:
        hu, removed = without_table(hu, body.spacing_zyx_mm, body.values, threads)
    cleaned = replace(body, hu=hu)
    quality = ct_quality(cleaned, removed)
    if settings.remove_contrast:
        without_contrast(hu, body.values, body.numbers, threads)
    tissue = materials(hu, body.values, body.numbers, threads) if body.numbers else None
    findings = tuple(check(derived.layers, body.affine))
    layers = refined(derived.layers, finer_slices(body.spacing_zyx_mm[0], settings.label_slice_mm), threads)
    return Ready(cleaned, derived, findings, quality, Scene(hu, layers, body.affine, tissue, threads))


def shown(made: Ready, view: str, pose: Pose, settings: ProjectSettings, seed: int) -> Shown:
    """One view; ``seed`` decides the noise of its pictures. Raises SettingsError if no ray can be laid."""
    scene = made.scene
    projection = scene.project(pose, settings.min_thickness_mm)
    coverage = scene.coverage(pose)
    parts = projection.water_mm
    integrals = Integrals(parts["total"], parts.get("bone"), parts.get("lung") if settings.partners else None)
    pictures = picture(
        integrals,
        PRESETS[settings.preset],
        seed=seed,
        voxel_px=voxel_px(pose, scene.affine, scene.hu.shape),
        coverage=coverage,
    )
    kept = {label: seen for label, seen in projection.footprints.items() if seen.area_px >= settings.min_area_px}
    return Shown(
        pose=pose,
        magnification=pose.magnification(_centre_mm(scene)),
        pictures=pictures if settings.partners else replace(pictures, partners={}),
        footprints=kept,
        visible=visible(kept, pose.size_px) if view in FRONTAL else {},
        coverage=rle.encode(coverage),
    )


def visible(footprints: Mapping[str, Footprint], size_px: int) -> dict[str, str]:
    """What a frontal film shows of each lung label: its footprint less those of heart, mediastinum and diaphragm.

    A lung of which nothing is left is not in the result. On a lateral both lungs lie over one another and nothing is
    hidden by convention.
    """
    hiding = [footprints[label].rle for label in _HIDES_LUNG if label in footprints]
    lungs = [row.label for row in anatomy() if row.group in ("lungs", "lung zones") and row.label in footprints]
    left = {label: rle.subtract([footprints[label].rle], hiding, size_px, size_px) for label in lungs}
    return {label: mask for label, mask in left.items() if rle.area(mask)}


def _centre_mm(scene: Scene) -> NDArray[np.float64]:
    middle = (np.array(scene.hu.shape[::-1]) - 1) / 2
    centre_mm: NDArray[np.float64] = scene.affine[:3, :3] @ middle + scene.affine[:3, 3]
    return centre_mm
