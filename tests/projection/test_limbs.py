"""A forked tube told apart: what the aorta and the airways do not show."""

import numpy as np

from projection.anatomy.body import Region
from projection.anatomy.limbs import FIRST, SECOND, STEM, Way, fork

WAY = Way(axis=2, bridge_mm=0.0, smallest_mm2=4.0)


def test_nothing_and_one_tube_do_not_fork() -> None:
    assert fork(Region((0, 0, 0), np.zeros((0, 0, 0), bool)), (1.0, 1.0, 1.0), WAY) is None
    assert fork(Region((0, 0, 0), np.ones((5, 4, 4), bool)), (1.0, 1.0, 1.0), WAY) is None


def test_two_halves_of_one_disc_are_no_limbs() -> None:
    y, x = np.indices((21, 21)) - 10
    disc = (y**2 + x**2 <= 100) & (np.abs(x) > 0)
    assert fork(Region((0, 0, 0), np.repeat(disc[None], 6, axis=0)), (1.0, 1.0, 1.0), WAY) is None


def test_a_pair_of_trousers() -> None:
    mask = np.zeros((10, 4, 15), bool)
    mask[:6, :, :4] = mask[:6, :, 11:] = True
    mask[6:] = True
    found = fork(Region((3, 2, 1), mask), (1.0, 1.0, 1.0), WAY)
    assert found is not None
    assert (found.lowest_stem, found.highest_pair) == (6, 5)
    assert [found.limb(part).start_zyx for part in (FIRST, SECOND, STEM)] == [(3, 2, 1), (3, 2, 12), (9, 2, 1)]
    assert [int(found.limb(part).mask.sum()) for part in (FIRST, SECOND, STEM)] == [96, 96, 240]


def test_a_piece_of_a_slice_goes_to_the_limb_that_is_followed() -> None:
    """Below the pair both limbs move to the right; the second, thinner, keeps its name where the first has ended."""
    mask = np.zeros((12, 6, 30), bool)
    for z in range(12):
        shift = z
        if z >= 4:
            mask[z, :, shift : shift + 6] = True
        mask[z, :, shift + 11 : shift + 15] = True
    mask[11] = True
    found = fork(Region((0, 0, 0), mask), (1.0, 1.0, 1.0), WAY)
    assert found is not None
    assert not (found.part[:4] == FIRST).any()
    assert np.array_equal(found.part[:4] == SECOND, mask[:4])
