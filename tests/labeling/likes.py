"""A small world for the tests of similarity: concepts, places, and reports drawn from them."""

from hypothesis import strategies as st

from curation.records import Assertion
from labeling.concepts.ontology import Ontology
from labeling.similar.formula import Parameters, supports
from labeling.similar.knowledge import Knowledge
from labeling.similar.soft import SoftMeasure
from labeling.similar.statements import Said, Statement

WORLD = Knowledge(
    concepts=Ontology(
        [
            ("opacity", "finding"),
            ("consolidation", "opacity"),
            ("pneumonia", "consolidation"),
            ("atelectasis", "opacity"),
            ("effusion", "finding"),
            ("fracture", "finding"),
            ("high_volume", "finding"),
            ("low_volume", "finding"),
            ("tube", "device"),
            ("line", "device"),
        ]
    ),
    places=Ontology(
        [("upper_lobe", "lung"), ("lower_lobe", "lung"), ("apex", "upper_lobe"), ("lung", "thorax"), ("rib", "thorax")]
    ),
    types={
        "pneumonia": "T047",
        "effusion": "T046",
        "opacity": "T033",
        "fracture": "T037",
        "tube": "T074",
        "line": "T074",
    },
    homes=dict.fromkeys(("opacity", "consolidation", "pneumonia", "atelectasis", "low_volume"), "lung")
    | {"effusion": "pleura", "fracture": "rib"},
    opposites=frozenset({frozenset({"high_volume", "low_volume"})}),
)
MEASURE = SoftMeasure(WORLD, Parameters(kin=0.6, floor=0.3))
"""Looser than the default, so that more is like something."""

CONCEPTS = (
    "opacity",
    "consolidation",
    "pneumonia",
    "atelectasis",
    "effusion",
    "fracture",
    "high_volume",
    "low_volume",
    "tube",
    "line",
    "unknown",
)

P, A, U = Assertion.PRESENT, Assertion.ABSENT, Assertion.UNCERTAIN


def statement_of() -> st.SearchStrategy[Statement]:
    places = st.sets(st.sampled_from(("apex", "upper_lobe", "lower_lobe", "lung", "rib", "nowhere")), max_size=2)
    return st.builds(
        Statement,
        st.sampled_from(CONCEPTS),
        st.sampled_from((P, P, A, A, U)),
        st.sampled_from(("", "", "left", "right", "bilateral")),
        st.one_of(st.just(()), places.map(lambda names: tuple(sorted(names)))),
    )


def reports_of(most: int = 6) -> st.SearchStrategy[Said]:
    return st.frozensets(statement_of(), max_size=most)


def denials_of(one: Statement) -> list[Statement]:
    """Statements that strike against one, if it can be struck."""
    other_side = {"left": "right", "right": "left"}.get(one.laterality, one.laterality)
    opposite = {"high_volume": "low_volume", "low_volume": "high_volume"}.get(one.concept, one.concept)
    kinds = [Statement(kind, P, one.laterality, one.places) for kind in (one.concept, "pneumonia", "consolidation")]
    there = [Statement(one.concept, A), Statement("opacity", A), one._replace(laterality=other_side)]
    candidates = kinds if one.is_absent else [*there, one._replace(concept=opposite)]
    return [other for other in candidates if MEASURE.conflict(one, other) > 0]


@st.composite
def denied_reports(draw: st.DrawFn) -> tuple[Said, Statement]:
    """A report, and a statement that strikes against it and has nothing in it for support."""
    struck = draw(statement_of().filter(denials_of))
    denial = draw(st.sampled_from(denials_of(struck)))
    others = draw(reports_of())
    return frozenset({struck, *(other for other in others if not supports(denial, other))}), denial
