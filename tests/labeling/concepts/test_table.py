"""The table of own concepts: complete, a hierarchy, and its codes verified."""

import re

import pytest

from curation.errors import IntegrityError, UsageError
from labeling.concepts import table
from labeling.concepts.ontology import Ontology
from labeling.concepts.table import concept, concepts, edges
from labeling.mining.lexicon import read_rules


def test_every_finding_of_the_lexicon_is_a_concept() -> None:
    named = {row["name"] for row in read_rules("findings")} | {row["finding"] for row in read_rules("readings")}
    assert not named - set(concepts())


def test_the_hierarchy_has_one_root_and_no_cycle() -> None:
    ontology = Ontology(edges())  # raises InputError for a cycle
    assert [one.concept_id for one in concepts().values() if not one.parents] == ["concept"]
    assert all("concept" in ontology.ancestors(name) for name in concepts())


def test_opposites_are_opposites_of_each_other() -> None:
    for one in concepts().values():
        assert all(one.concept_id in concept(other).opposites for other in one.opposites)


def test_codes_have_their_form_and_a_source() -> None:
    forms = {"cui": r"C\d{7}", "hpo": r"HP:\d{7}", "doid": r"DOID:\d+", "semantic_type": r"T\d{3}"}
    for one in concepts().values():
        for field, form in forms.items():
            assert re.fullmatch(f"({form})?", getattr(one, field)), (one.concept_id, field)
        assert bool(one.sources) == bool(one.cui or one.hpo or one.doid), one.concept_id


def test_a_code_means_one_concept() -> None:
    for field in ("cui", "hpo", "doid"):
        codes = [getattr(one, field) for one in concepts().values() if getattr(one, field)]
        assert len(codes) == len(set(codes)), field


def test_a_device_is_no_finding() -> None:
    ontology = Ontology(edges())
    assert {one.kind for one in concepts().values()} == {"root", "finding", "disease", "device", "anatomy"}
    for one in concepts().values():
        if one.kind == "device":
            assert "finding" not in ontology.ancestors(one.concept_id)


def test_an_unknown_concept_is_a_usage_error() -> None:
    assert concept("edema").cui == "C0034063"
    with pytest.raises(UsageError):
        concept("flu")


def test_a_parent_without_a_row_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dict.fromkeys(("name", "kind", "semantic_type", "cui", "hpo", "doid", "opposites", "sources"), "")
    monkeypatch.setattr(table, "read_rules", lambda name: ({"concept_id": "a", "parents": "b", **row},))
    with pytest.raises(IntegrityError, match="a names b"):
        concepts.__wrapped__()
