"""From labels to verdict on chests whose truth is known: what is measured is what was planted."""

import numpy as np
import pytest
from numpy.typing import NDArray

from curation import rle
from curation.synth.anatomy import STRUCTURES, value_of
from curation.synth.phantom import Lesion, Phantom, phantom
from projection.anatomy.body import Body, turned
from projection.anatomy.checks import check
from projection.anatomy.derive import derive
from projection.measure import film, truth
from projection.standalone import Options, project_ct
from tests.builders import body

NAMES = {value_of(name): name for name in STRUCTURES}
CHESTS = {
    "healthy": phantom(body(1)),
    "another": phantom(body(3)),
    "large heart": phantom(body(1), [Lesion("cardiomegaly", size=1.0)]),
}


def affine(made: Phantom) -> NDArray[np.float64]:
    grid = np.eye(4)
    grid[:3, :3] = np.diag(made.grid.spacing_zyx_mm[::-1])
    grid[:3, 3] = made.grid.origin_xyz_mm
    return grid


def turned_body(made: Phantom) -> Body:
    there = {value: name for value, name in NAMES.items() if name in made.voxels}
    return turned(made.labels, there, affine(made), made.hu)


@pytest.mark.parametrize("name", CHESTS)
def test_the_labels_keep_their_promises(name: str) -> None:
    given = turned_body(CHESTS[name])
    made = derive(given)
    assert [finding for finding in check(made.layers, given.affine) if finding.severity == "reject"] == []
    assert {"aortic arch", "cardiomediastinum", "left hemidiaphragm", "posterior 5th rib right"} <= {
        *made.layers.labels
    }


@pytest.mark.parametrize("name", CHESTS)
def test_the_hearts_ratio_is_the_planted_one_in_the_ct_and_on_the_film(name: str) -> None:
    chest = CHESTS[name]
    given = turned_body(chest)
    (in_3d,) = (row for row in truth.measure(given, derive(given).parts) if row.measure == "cardiomegaly")
    assert in_3d.value == pytest.approx(chest.cardiothoracic_ratio, abs=0.01)
    there = {value: label for value, label in NAMES.items() if label in chest.voxels}
    view = project_ct(chest.hu, chest.labels, there, affine(chest), Options(views=("PA",), size_px=256)).views[0]
    masks = {label: rle.decode(seen.rle, 256, 256) for label, seen in view.footprints.items() if label in film.LABELS}
    (on_film,) = (row for row in film.measure(masks, "PA", view.pose.pixel_mm) if row.measure == "cardiomegaly")
    assert on_film.value == pytest.approx(chest.cardiothoracic_ratio, abs=0.03)
    assert on_film.positive == (name == "large heart")
