"""A hierarchy of concepts: what is above, how deep, how much it says, how alike."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.errors import InputError, UsageError
from labeling.concepts.ontology import Ontology

CHEST = [
    ("lung", "finding"),
    ("pleura", "finding"),
    ("opacity", "lung"),
    ("consolidation", "opacity"),
    ("pneumonia", "consolidation"),
    ("atelectasis", "opacity"),
    ("effusion", "pleura"),
    ("pneumothorax", "pleura"),
    ("hydropneumothorax", "effusion"),
    ("hydropneumothorax", "pneumothorax"),
]


@pytest.fixture(scope="module")
def chest() -> Ontology:
    return Ontology(CHEST, ["device"])


def test_what_is_above_a_concept_by_any_way(chest: Ontology) -> None:
    assert chest.parents("hydropneumothorax") == {"effusion", "pneumothorax"}
    assert chest.ancestors("hydropneumothorax") == {
        "hydropneumothorax",
        "effusion",
        "pneumothorax",
        "pleura",
        "finding",
    }
    assert chest.ancestors("device") == {"device"}
    assert chest.is_a("pneumonia", "opacity")
    assert not chest.is_a("opacity", "pneumonia")
    assert not chest.is_a("elsewhere", "opacity")
    assert chest.is_a("elsewhere", "elsewhere")


def test_depth_is_the_shortest_way_to_a_root() -> None:
    short_cut = Ontology([*CHEST, ("pneumonia", "finding")])
    assert [short_cut.depth(name) for name in ("finding", "opacity", "pneumonia")] == [0, 2, 1]


def test_information_as_seco_has_it(chest: Ontology) -> None:
    assert len(chest) == 11
    assert "device" in chest
    assert chest.information("pneumonia") == 1.0
    assert chest.information("opacity") == pytest.approx(1 - math.log(4) / math.log(11))
    assert chest.information("finding") == pytest.approx(1 - math.log(10) / math.log(11))


def test_a_diamond_counts_what_is_below_once(chest: Ontology) -> None:
    assert chest.information("pleura") == pytest.approx(1 - math.log(4) / math.log(11))


def test_resnik_and_lin_by_hand(chest: Ontology) -> None:
    opacity = chest.information("opacity")
    assert chest.resnik("pneumonia", "atelectasis") == pytest.approx(opacity)
    assert chest.lin("pneumonia", "atelectasis") == pytest.approx(opacity)
    assert chest.lin("opacity", "pneumonia") == pytest.approx(2 * opacity / (opacity + 1))
    assert chest.resnik("device", "pneumonia") == chest.lin("device", "pneumonia") == 0.0


def test_names_without_a_place_are_like_themselves_only(chest: Ontology) -> None:
    assert chest.lin("elsewhere", "elsewhere") == 1.0
    assert chest.lin("elsewhere", "lung") == chest.lin("lung", "elsewhere") == 0.0


def test_information_from_counts_flows_upwards(chest: Ontology) -> None:
    counted = chest.counted({"effusion": 89.0, "elsewhere": 5.0})
    seen = {"finding": 99, "effusion": 91, "pneumonia": 1}
    for name, count in seen.items():
        assert counted.information(name) == pytest.approx(math.log(100 / count) / math.log(100))
    assert chest.information("effusion") > counted.information("effusion")
    assert counted.lin("effusion", "effusion") == 1.0


def test_one_concept_alone_says_all_that_can_be_said() -> None:
    alone = Ontology([], ["finding"])
    assert alone.information("finding") == alone.counted({"finding": 3}).information("finding") == 1.0
    assert len(Ontology([])) == 0
    assert len(alone.lin_to(0, np.zeros(0, np.int64))) == 0


def test_roots_that_say_nothing_are_like_themselves_only() -> None:
    root = Ontology([("a", "root"), ("b", "root")])
    assert root.lin("root", "root") == 1.0
    assert root.lin("root", "a") == 0.0


def test_a_cycle_is_refused() -> None:
    with pytest.raises(InputError, match="got a cycle: 3 of 5 concepts"):
        Ontology([("a", "root"), ("b", "c"), ("c", "b"), ("d", "c")])
    with pytest.raises(InputError, match="a cycle"):
        Ontology([("a", "a")])


def test_unknown_concepts_and_negative_counts_are_refused(chest: Ontology) -> None:
    with pytest.raises(UsageError, match="expected a concept of this ontology"):
        chest.depth("elsewhere")
    with pytest.raises(UsageError, match="0 or more"):
        chest.counted({"lung": -1.0})


@st.composite
def edge_lists(draw: st.DrawFn) -> list[tuple[str, str]]:
    size = draw(st.integers(2, 25))
    pairs = st.tuples(st.integers(1, size), st.integers(0, size - 1)).filter(lambda pair: pair[1] < pair[0])
    return [(str(child), str(parent)) for child, parent in draw(st.lists(pairs, min_size=1, max_size=60))]


def naive_above(edges: list[tuple[str, str]], name: str) -> set[str]:
    return {name}.union(*(naive_above(edges, parent) for child, parent in edges if child == name))


@given(edge_lists())
def test_any_hierarchy_against_the_plain_definition(edges: list[tuple[str, str]]) -> None:
    ontology = Ontology(edges)
    above = {name: naive_above(edges, name) for name in ontology.names}
    for name in ontology.names:
        assert ontology.ancestors(name) == above[name]
        below = sum(name in others for others in above.values())
        assert ontology.information(name) == pytest.approx(1 - math.log(below) / math.log(len(above)))
        higher = [other for other in above[name] if not ontology.parents(other)]
        assert ontology.depth(name) <= len(above[name]) - 1
        assert (ontology.depth(name) == 0) == (name in higher)
    one, other = ontology.names[0], ontology.names[-1]
    shared = max((ontology.information(name) for name in above[one] & above[other]), default=0.0)
    assert ontology.resnik(one, other) == pytest.approx(shared)
    assert ontology.lin(one, other) == ontology.lin(other, one)
    assert 0 <= ontology.lin(one, other) <= 1


def test_a_hundred_thousand_concepts_with_many_parents() -> None:
    size = 100_000
    rng = np.random.default_rng(3)
    parents = (np.arange(1, size) * rng.random(size - 1)).astype(int)
    ontology = Ontology((str(child), str(parent)) for child, parent in enumerate(parents, 1))
    assert len(ontology) == size
    assert ontology.information("0") == pytest.approx(0.0, abs=1e-12)
    assert ontology.lin("0", str(size - 1)) == pytest.approx(0.0, abs=1e-12)
