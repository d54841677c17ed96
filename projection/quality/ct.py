"""How well a CT serves as the source of radiographs: what is measured, and the rules that take from its score.

Every rule has an id that stays, words for a reader and a weight; the score is 1 less the weights of the rules that
hold, not below 0. The limits are chosen, not fitted: each says what it costs the projection.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from curation.errors import InputError
from projection.anatomy.body import Body, Bools, Region
from projection.anatomy.structures import ALL_LOBES
from projection.prepare import AIR_HU, PADDING_BELOW_HU, Removed

Arms = Literal["up", "down", "not seen"]
Position = Literal["supine", "prone", "unknown"]
Contrast = Literal["none", "pulmonary", "arterial", "venous", "enhanced", "unknown"]
VESSELS = ("aorta", "pulmonary_vein", "superior_vena_cava", "heart", "portal_vein_and_splenic_vein", "spleen")
_METAL_HU = 3000  # 12-bit scanners end at 3071; cortical bone ends near 2000
_CUT_MM2 = 100.0  # lung in the first or last slice, more than the tip of an apex or a sinus
_DENSE_ML = 20.0  # matter outside the body that can be a table
_ABRUPT_HU = -200  # skin fades over a voxel; tissue this dense beside nothing is cut
_GAS_HU = -500
_JUMP = 2.5  # a whole CT of 2.5 mm gave 1.2; less four slices 2.0-3.3, shifted by 8 mm from one slice on 3.7
_ENHANCED_HU = 90  # blood without contrast stays below 70 (Wintrobe's range of hematocrit), noise of a median is small


@dataclass(frozen=True)
class CtMeasures:
    """What was measured; ``None`` where the structures for it are missing."""

    arms: Arms
    position: Position
    contrast: Contrast
    median_hu: dict[str, float]
    """Of ``VESSELS``, those that are there."""
    lungs_seen: bool
    lung_cut_top: bool
    lung_cut_bottom: bool
    lung_border_share: float
    """Share of the lungs' surface that lies on the border of the volume or of its padding, 0..1."""
    body_cut_share: float
    """Share of the slices at the lungs' height in which the side of the body is cut, 0..1."""
    slice_mm: float
    pixel_mm: float
    padding_share: float
    metal_ml: float
    """Above 3000 HU outside labelled vessels: metal, or undiluted iodine in a vein without a label."""
    noise_hu: float | None
    """Standard deviation within the aorta, in the slice; median over slices."""
    jump: float
    """Largest change from one slice to the next, relative to the median change: gaps, motion, repeated slices."""


@dataclass(frozen=True)
class Rule:
    """Something that makes a CT a worse source."""

    rule_id: str
    words: str
    weight: float
    holds: Callable[[CtMeasures], bool]


RULES = (
    Rule("no_lungs", "no lung lobe is labelled", 1.0, lambda m: not m.lungs_seen),
    Rule(
        "lung_cut_top", "the first lung slice is the volume's last: apices are missing", 0.3, lambda m: m.lung_cut_top
    ),
    Rule("lung_cut_bottom", "the lungs reach the lowest slice: bases are missing", 0.3, lambda m: m.lung_cut_bottom),
    Rule("lung_cut_side", "over 1 % of the lungs' surface is cut", 0.2, lambda m: m.lung_border_share > 0.01),
    Rule("body_cut_side", "the body is wider than the field of view", 0.1, lambda m: m.body_cut_share > 0.2),
    Rule("arms_down", "arms beside the chest shadow it in the lateral", 0.1, lambda m: m.arms == "down"),
    Rule("prone", "prone: the chest is flattened in front", 0.1, lambda m: m.position == "prone"),
    Rule("contrast", "iodine makes vessels and heart too bright", 0.1, lambda m: m.contrast not in ("none", "unknown")),
    Rule("slices_thick", "slices over 3 mm: steps can be seen", 0.1, lambda m: m.slice_mm > 3.0),
    Rule("slices_very_thick", "slices over 5 mm: ribs break up", 0.2, lambda m: m.slice_mm > 5.0),
    Rule("pixels_large", "pixels over 1 mm", 0.1, lambda m: m.pixel_mm > 1.0),
    Rule("metal", "over 1 ml above 3000 HU, metal or undiluted iodine: streaks", 0.1, lambda m: m.metal_ml > 1.0),
    Rule("noise", "noise over 50 HU in the aorta", 0.1, lambda m: m.noise_hu is not None and m.noise_hu > 50.0),
    Rule("slice_gap", "a step between two slices: gap or motion", 0.2, lambda m: m.jump > _JUMP),
)


@dataclass(frozen=True)
class CtQuality:
    """The verdict: ``reasons`` are the ids of the rules that hold, in the order of ``RULES``."""

    measures: CtMeasures
    score: float
    reasons: tuple[str, ...]


def ct_quality(body: Body, removed: Removed | None = None) -> CtQuality:
    """Measure and judge a CT with its labels.

    ``removed`` is what ``without_table`` took, if the body's HU have been through it: padding and table are then known
    from there. Raises InputError if the body has no HU.
    """
    if body.hu is None:
        raise InputError("the quality of a CT needs its HU: this body has only labels")
    lungs = body.region(*ALL_LOBES)
    cut_top, cut_bottom, border_share = _lung_border(body, body.hu, lungs)
    medians = _medians(body, body.hu)
    slice_mm, *pixel_mm = body.spacing_zyx_mm
    measures = CtMeasures(
        arms=arms(body),
        position=position(body, removed),
        contrast=contrast(medians),
        median_hu=medians,
        lungs_seen=lungs.mask.size > 0,
        lung_cut_top=cut_top,
        lung_cut_bottom=cut_bottom,
        lung_border_share=border_share,
        body_cut_share=_body_cut_share(body, body.hu, lungs, removed),
        slice_mm=slice_mm,
        pixel_mm=max(pixel_mm),
        padding_share=_padding_share(body.hu, removed),
        metal_ml=_metal_ml(body, body.hu),
        noise_hu=_noise_hu(body, body.hu),
        jump=_jump(body.hu),
    )
    return judged(measures)


def judged(measures: CtMeasures) -> CtQuality:
    """The score and the reasons that these measures give."""
    held = [rule for rule in RULES if rule.holds(measures)]
    score = max(0.0, 1.0 - sum(rule.weight for rule in held))
    return CtQuality(measures, round(score, 3), tuple(rule.rule_id for rule in held))


def arms(body: Body) -> Arms:
    """Whether the arms are raised: from where each humerus lies along the height of its scapula.

    A hanging humerus reaches down beside the scapula's lower half. A raised one begins at the glenoid, in the upper
    half, and leaves the volume at its top, or ends above the scapula. One hanging arm is enough for "down".
    """
    found = {side: _arm(body, side) for side in ("left", "right")}
    if "down" in found.values():
        return "down"
    return "up" if "up" in found.values() else "not seen"


def _arm(body: Body, side: str) -> Arms:
    humerus, scapula = body.boxes.get(f"humerus_{side}"), body.boxes.get(f"scapula_{side}")
    if humerus is None or scapula is None:
        return "not seen"
    low, high = scapula[0].start, scapula[0].stop
    rises = humerus[0].stop == body.values.shape[0] or humerus[0].stop > high
    return "up" if rises and 2 * humerus[0].start > low + high else "down"


def position(body: Body, removed: Removed | None) -> Position:
    """The side of the table, if enough of it was removed; else gas in stomach and colon, which rises."""
    if removed is not None and max(removed.front_ml, removed.back_ml) > _DENSE_ML:
        if removed.back_ml > 2 * removed.front_ml:
            return "supine"
        if removed.front_ml > 2 * removed.back_ml:
            return "prone"
    return _position_of_gas(body)


def _position_of_gas(body: Body) -> Position:
    if body.hu is None:
        return "unknown"
    shifts_mm = []
    for name in ("stomach", "colon"):
        region = body.region(name)
        gas = region.mask & (body.hu[region.box] < _GAS_HU)
        rows = np.arange(region.mask.shape[1])
        n_gas, n_all = gas.sum(axis=(0, 2)), region.mask.sum(axis=(0, 2))
        if n_gas.sum() * np.prod(body.spacing_zyx_mm) / 1000 >= 5.0:  # ml; a bubble alone says little
            shift = float(rows @ n_gas / n_gas.sum() - rows @ n_all / n_all.sum())
            shifts_mm.append(shift * body.spacing_zyx_mm[1])
    if not shifts_mm or abs(shifts_mm[0]) < 5.0:
        return "unknown"
    return "supine" if shifts_mm[0] < 0 else "prone"


def contrast(median_hu: dict[str, float]) -> Contrast:
    """The phase that median HU of vessels tell, as far as they do.

    Early, the pulmonary veins are well above the aorta; arterial, the aorta is well above the portal vein; venous, the
    two are alike and the portal vein is enhanced (phases as in Bae, Radiology 256:32, 2010).
    """
    aorta = median_hu.get("aorta", median_hu.get("heart"))
    if aorta is None:
        return "unknown"
    lung_vein, portal = median_hu.get("pulmonary_vein", aorta), median_hu.get("portal_vein_and_splenic_vein")
    if max(aorta, lung_vein) < _ENHANCED_HU:
        return "none"
    if lung_vein > aorta + 80:
        return "pulmonary"
    if portal is None:
        return "arterial" if aorta > 250 else "enhanced"  # HU; no later phase reaches this
    return "venous" if portal > max(_ENHANCED_HU, aorta - 50) else "arterial"


def _medians(body: Body, hu: NDArray[np.int16]) -> dict[str, float]:
    regions = {name: body.region(name) for name in VESSELS if body.has(name)}
    return {name: float(np.median(hu[region.box][region.mask])) for name, region in regions.items()}


def _lung_border(body: Body, hu: NDArray[np.int16], region: Region) -> tuple[bool, bool, float]:
    """Whether the lungs are cut at the top and bottom, and the share of their surface on the border."""
    if region.mask.size == 0:
        return False, False, 0.0
    z_mm, y_mm, x_mm = body.spacing_zyx_mm
    z = region.box[0]
    top = bool(z.stop == hu.shape[0] and region.mask[-1].sum() * y_mm * x_mm > _CUT_MM2)
    bottom = bool(z.start == 0 and region.mask[0].sum() * y_mm * x_mm > _CUT_MM2)
    around = [slice(max(at.start - 1, 0), min(at.stop + 1, n)) for at, n in zip(region.box, hu.shape, strict=True)]
    margins = [(at.start - wide.start, wide.stop - at.stop) for at, wide in zip(region.box, around, strict=True)]
    mask, padding = np.pad(region.mask, margins), hu[tuple(around)] < PADDING_BELOW_HU
    total = on_border = 0.0
    for axis, face_mm2 in enumerate((y_mm * x_mm, z_mm * x_mm, z_mm * y_mm)):
        faces, cut = _faces(np.moveaxis(mask, axis, 0), np.moveaxis(padding, axis, 0))
        ends = int(np.take(mask, [0, -1], axis).sum())  # only the volume's border leaves the mask without a margin
        total += face_mm2 * (faces + ends)
        on_border += face_mm2 * (cut + ends)
    return top, bottom, on_border / total


def _faces(mask: Bools, padding: Bools) -> tuple[int, int]:
    """Faces of the mask across the first axis, and those behind which padding begins."""
    edge = mask[1:] ^ mask[:-1]
    return int(np.count_nonzero(edge)), int(np.count_nonzero(edge & (padding[1:] | padding[:-1])))


def _body_cut_share(body: Body, hu: NDArray[np.int16], region: Region, removed: Removed | None) -> float:
    """Slices, about 5 mm apart at the lungs' height, where dense tissue ends in nothing at the side of the body.

    Only rows at the lungs' depth are looked at: tables, which the field of view always cuts, lie in front or behind.
    """
    if region.mask.size == 0:
        return 0.0
    z, y, _ = region.box
    some = hu[z.start : z.stop : max(1, round(5 / body.spacing_zyx_mm[0])), y]
    dense = some > _ABRUPT_HU
    nothing = some == AIR_HU if removed is not None else some < PADDING_BELOW_HU
    cut = (dense[..., 1:] & nothing[..., :-1]) | (dense[..., :-1] & nothing[..., 1:])
    n_cut = cut.sum(axis=(1, 2)) + dense[..., 0].sum(axis=1) + dense[..., -1].sum(axis=1)
    return float((n_cut * body.spacing_zyx_mm[1] > 10.0).mean())  # mm of cut border in a slice


def _padding_share(hu: NDArray[np.int16], removed: Removed | None) -> float:
    n_padding = np.count_nonzero(hu < PADDING_BELOW_HU) if removed is None else removed.padding_voxels
    return float(n_padding / hu.size)


def _metal_ml(body: Body, hu: NDArray[np.int16]) -> float:
    """Voxels above 3000 HU, apart from labelled vessels: iodine just injected reaches that too."""
    n_metal = np.count_nonzero(~np.isin(body.values[hu > _METAL_HU], _vessel_numbers(body)))
    return float(n_metal * np.prod(body.spacing_zyx_mm) / 1000)


def _vessel_numbers(body: Body) -> list[int]:
    words = ("aorta", "vein", "vena_cava", "artery", "trunk", "heart", "atrial")
    return [number for name, number in body.numbers.items() if any(word in name for word in words)]


def _noise_hu(body: Body, hu: NDArray[np.int16]) -> float | None:
    """Of slices with 1 cm² of aorta or more inside a margin of 3 mm, which keeps partial volume and wall out."""
    region = body.region("aorta")
    _, y_mm, x_mm = body.spacing_zyx_mm
    margin = np.ones((1, 2 * round(3 / y_mm) + 1, 2 * round(3 / x_mm) + 1), bool)
    inner = ndimage.binary_erosion(region.mask, margin) if region.mask.size else region.mask
    values = hu[region.box]
    sd = [
        float(np.std(values[z][plane])) for z, plane in enumerate(inner) if np.count_nonzero(plane) * y_mm * x_mm > 100
    ]
    return float(np.median(sd)) if sd else None


def _jump(hu: NDArray[np.int16]) -> float:
    """Mean absolute change between neighbouring slices, largest over median; every fourth voxel, -1000 to 200 HU."""
    some = np.clip(hu[:, ::4, ::4], AIR_HU, 200)
    change = np.abs(some[1:] - some[:-1]).mean(axis=(1, 2))
    median = float(np.median(change)) if change.size else 0.0
    return float(change.max() / median) if median > 0 else 1.0
