"""Project one CT by itself: arrays in, pictures and masks out, without a workspace.

It takes the same way as the stage ``project``: ``projection.views``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b, sha256
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from curation.errors import InputError, SettingsError, UsageError
from curation.settings import ProjectSettings, ViewName
from projection.anatomy.body import Body, turned
from projection.anatomy.derive import Derived
from projection.anatomy.labels import anatomy
from projection.appearance import PRESETS, Pictures
from projection.layers import Layers
from projection.pose import VIEWS, Beam, Jitter, Pose, corners, jitters, view_pose
from projection.pose_file import NamedPose
from projection.quality.ct import RULES
from projection.raycast import Footprint
from projection.views import Ready, detector_of, ready, ready_for, shown

Floats = NDArray[np.float64]

MOST_JITTER = Jitter(yaw_deg=5.0, pitch_deg=5.0, roll_deg=3.0, right_mm=10.0, down_mm=10.0)
"""How far a patient on a wall stand is off at most, as augmentation takes it; ours to choose."""
_LARGEST = 255
_TOUCHING_MM = 1e-3  # views.json rounds at 1e-6 mm


@dataclass(frozen=True)
class Options:
    """Which views, and the detector and beam that all of them share; defaults as the stage's in ``params.yaml``."""

    views: tuple[str, ...] = ("PA", "LAT")
    size_px: int = 1024
    beam: Beam = "cone"
    detector_mm: float = 440.0
    source_to_detector_mm: float = 1800.0
    preset: str = "film"
    """How pictures look: a key of ``PRESETS``."""
    remove_table: bool = True
    """Table, blankets and wires become air."""
    remove_contrast: bool = False
    """Enhanced vessels and organs become as without contrast."""
    partners: bool = True
    """Also bone-suppressed, bone-only and lung-only pictures."""
    jittered: int = 0
    """If more than 0, so many times each view, each time turned and moved by up to ``MOST_JITTER``; always alike."""
    poses: tuple[NamedPose, ...] = ()
    """If there are any, they stand instead of all of the above but the preset."""
    threads: int = 0
    """0: as many as there are processors. The bytes are the same with any number."""

    def settings(self) -> ProjectSettings:
        """As the stage's; what it has beyond these is as in its ``params.yaml``."""
        return ProjectSettings(
            version=3,
            views=cast(tuple[ViewName, ...], self.views),
            beam=self.beam,
            size_px=self.size_px,
            detector_mm=self.detector_mm,
            source_to_detector_mm=self.source_to_detector_mm,
            min_thickness_mm=0.05,
            min_area_px=4,
            label_slice_mm=1.25,
            remove_table=self.remove_table,
            remove_contrast=self.remove_contrast,
            preset=cast(Literal["film", "paxray", "drr"], self.preset),
            partners=self.partners,
        )


@dataclass(frozen=True)
class ProjectedView:
    """One picture with its masks; all of one size, patient right at image left in PA and AP."""

    view_id: str
    view: ViewName
    pose: Pose
    magnification: float
    """Size on the detector over size in the patient, at the centre of the CT."""
    pictures: Pictures
    """``film`` is the picture to look at; beside it the one for processing, and the partners on the same grid."""
    footprints: Mapping[str, Footprint]
    """Label to mask, of every label that can be seen; COCO run lengths."""
    visible: Mapping[str, str]
    """The other convention for lungs: what a frontal film shows of them, as COCO run lengths."""
    coverage: str
    """COCO run lengths of the pixels whose rays do not leave the CT through its ends."""

    @property
    def picture(self) -> NDArray[np.uint8]:
        """``(rows, columns)``, MONOCHROME2: air is black."""
        return self.pictures.film


@dataclass(frozen=True)
class Projected:
    """What one CT gives."""

    views: tuple[ProjectedView, ...]
    layers: Layers
    """The labels in 3-D, on the grid of the CT turned to the patient's axes."""
    affine: Floats
    """Of ``layers.values``: 4×4, voxel ``(x, y, z, 1)`` to mm, LPS."""
    missing: Mapping[str, str]
    """Label to why it could not be derived."""
    doubts: tuple[str, ...] = ()
    """What is wrong with the labels or the CT, in words; nothing that would stop the work."""


def project_ct(
    hu_zyx: NDArray[np.int16],
    values_zyx: NDArray[np.uint8] | None,
    structures: Mapping[int, str],
    affine: Floats,
    options: Options = Options(),
) -> Projected:
    """Project a CT and, if there is a labelmap, every anatomy label that it gives; arrays are not changed.

    ``hu_zyx`` and ``values_zyx`` lie on one grid in any orientation, ``affine`` (4, 4) goes from voxel ``(x, y, z)`` to
    mm, LPS; ``structures`` names the labelmap's values by TotalSegmentator's classes. Raises UsageError for views that
    are not there or named twice, SettingsError for a detector or pose that cannot be, InputError if the arrays do
    not fit each other, HU are not int16, a value has no name or another's, no name is one of TotalSegmentator's, or the
    labels break a rule of anatomy.
    """
    _check_options(options)
    _check_ct(hu_zyx, affine)
    values = np.zeros(hu_zyx.shape, np.uint8) if values_zyx is None else values_zyx
    if values.shape != hu_zyx.shape:
        raise InputError(f"expected labels of {hu_zyx.shape} voxels, as the CT, got {values.shape}")
    if values_zyx is not None:
        _check_names(values_zyx, structures)
    body = turned(values, dict(structures), affine, hu_zyx)
    poses = _poses(body, options)
    return _projected(ready(body, {}, options.settings(), options.threads), poses, options)


def project_layers(body: Body, layers: Layers, options: Options = Options()) -> Projected:
    """Project labels of one's own, which may overlap, on the grid of a body that has HU; raises as ``project_ct``."""
    _check_options(options)
    poses = _poses(body, options)
    made = ready_for(body, Derived(layers, {}, {}), options.settings(), options.threads)
    return _projected(made, poses, options)


def _projected(made: Ready, poses: tuple[NamedPose, ...], options: Options) -> Projected:
    contents = _digest(made.body)
    doubts = _doubts(made)
    views = tuple(_view(made, named, options.settings(), contents) for named in poses)
    return Projected(views, made.derived.layers, made.body.affine, made.derived.missing, doubts)


def _doubts(made: Ready) -> tuple[str, ...]:
    """Raises InputError if the labels break a promise of anatomy, as the stage rejects them."""
    broken = [f"{finding.label} ({finding.detail})" for finding in made.findings if finding.severity == "reject"]
    if broken:
        more = f", and {len(broken) - 3} more" if len(broken) > 3 else ""
        raise InputError(
            "the labels break the rules of anatomy, as if left and right or head and feet were swapped: "
            f"{'; '.join(broken[:3])}{more}"
        )
    words = {rule.rule_id: rule.words for rule in RULES}
    labels = (f"{finding.label}: {finding.detail}" for finding in made.findings)
    return (*labels, *(f"the CT: {words[reason]}" for reason in made.quality.reasons))


def _poses(body: Body, options: Options) -> tuple[NamedPose, ...]:
    poses = options.poses or tuple(_usual_poses(body, options))
    for named in poses:
        _check_between(body, named.pose)
    return poses


def _usual_poses(body: Body, options: Options) -> Iterator[NamedPose]:
    """Upright views, or jittered ones as ``PA-1``, ``PA-2``, …"""
    detector = detector_of(options.settings())
    for view in cast(tuple[ViewName, ...], options.views):
        moves = {str(view): Jitter()}
        if options.jittered:
            found = enumerate(jitters(options.jittered, VIEWS.index(view), MOST_JITTER), 1)
            moves = {f"{view}-{number}": jitter for number, jitter in found}
        for view_id, jitter in moves.items():
            yield NamedPose(view_id, view, view_pose(view, body.affine, body.values.shape, detector, jitter))


def _check_options(options: Options) -> None:
    """A user typed them."""
    unknown = [view for view in options.views if view not in VIEWS]
    if unknown or not options.views or len(set(options.views)) != len(options.views):
        raise UsageError(f"views: expected some of {', '.join(VIEWS)}, each once")
    if options.beam not in ("cone", "parallel"):
        raise UsageError("beam: expected cone or parallel")
    if options.jittered < 0 or options.threads < 0:
        raise UsageError("jittered and threads: expected 0 or more")
    if options.preset not in PRESETS:
        raise UsageError(f"preset: expected {', '.join(PRESETS)}")
    if not 32 <= options.size_px <= 4096:
        raise SettingsError("the detector's size must be 32 to 4096 pixels")
    if not (0 < options.detector_mm < np.inf and 0 < options.source_to_detector_mm < np.inf):
        raise SettingsError("the detector's width and its distance from the source must be more than 0 mm")


def _check_ct(hu_zyx: NDArray[Any], affine: Floats) -> None:
    if hu_zyx.dtype != np.int16 or hu_zyx.ndim != 3 or 0 in hu_zyx.shape:
        raise InputError(
            f"expected HU as int16 (z, y, x), got {hu_zyx.dtype} {hu_zyx.shape}: round and clip them first"
        )
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or np.linalg.det(affine[:3, :3]) == 0:
        raise InputError("expected an affine (4, 4) of finite numbers whose axes span space")


def _check_names(values: NDArray[np.uint8], structures: Mapping[int, str]) -> None:
    """Every value must have a name, and the names must be TotalSegmentator's."""
    found = set(np.flatnonzero(np.bincount(values.ravel(order="K"), minlength=_LARGEST + 1)).tolist()) - {0}
    unnamed = found - structures.keys()
    if unnamed:
        raise InputError(f"{len(unnamed)} of the labelmap's {len(found)} values have no name in the table of names")
    named = [structures[value] for value in found]
    if len(set(named)) != len(named):
        raise InputError("two of the labelmap's values have one name: give them one value, or two names")
    known = {name for entry in anatomy() for name in entry.structures}
    if found and not known.intersection(named):
        raise InputError("none of the names is a class of TotalSegmentator (such as heart or rib_left_1)")


def _view(made: Ready, named: NamedPose, settings: ProjectSettings, contents: bytes) -> ProjectedView:
    """One view; the picture's noise is seeded by its id and the CT's contents."""
    seed = int.from_bytes(sha256(named.view_id.encode() + contents).digest()[:4], "big")
    view = shown(made, named.view, named.pose, settings, seed)
    return ProjectedView(
        named.view_id,
        named.view,
        named.pose,
        view.magnification,
        view.pictures,
        view.footprints,
        view.visible,
        view.coverage,
    )


def _check_between(body: Body, pose: Pose) -> None:
    """What lies behind the focal spot or the detector has no shadow."""
    depth_mm = pose.depth_mm(corners(body.affine, body.values.shape))
    nearest_mm = 0.0 if pose.beam == "cone" else -np.inf
    if depth_mm.min() <= nearest_mm or depth_mm.max() > pose.depth_mm(pose.origin_mm) + _TOUCHING_MM:
        raise SettingsError(
            "the CT must lie between source and detector: poses are in the CT's own frame, mm, LPS (x to the "
            "patient's left, y to the back, z to the head)"
        )


def _digest(body: Body) -> bytes:
    """Of the CT's voxels, so that no two CTs share their noise."""
    found = blake2b(digest_size=16)
    for plane in cast(NDArray[np.int16], body.hu):  # project_ct gave one
        found.update(plane.tobytes())
    return found.digest()
