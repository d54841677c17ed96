"""Own concepts (``rules/concepts.tsv``): what each finding, device and place is, and what it is a kind of."""

from dataclasses import dataclass
from functools import cache

from curation.errors import IntegrityError, UsageError
from labeling.mining.lexicon import read_rules


@dataclass(frozen=True)
class Concept:
    """A concept; its id is the name that the lexicon gives the finding or the place."""

    concept_id: str
    name: str
    """In plain English."""
    kind: str
    """root, finding, disease, device or anatomy."""
    parents: tuple[str, ...]
    """What it is a kind of; for anatomy also what it is a part of."""
    semantic_type: str
    """TUI of the UMLS Semantic Network, or empty."""
    cui: str
    """Concept of the UMLS, only where two open sources agree on its name."""
    hpo: str
    """Term of the Human Phenotype Ontology, or empty."""
    doid: str
    """Term of the Disease Ontology, or empty."""
    opposites: tuple[str, ...]
    """Concepts that cannot be true of the same place at the same time."""
    sources: tuple[str, ...]
    """Who says that the codes mean this concept."""


@cache
def concepts() -> dict[str, Concept]:
    """All own concepts by id; raises IntegrityError where one names a parent or an opposite that is not there."""
    table = {row["concept_id"]: _concept(row) for row in read_rules("concepts")}
    for one in table.values():
        missing = [other for other in (*one.parents, *one.opposites) if other not in table]
        if missing:
            raise IntegrityError(f"rules/concepts.tsv: {one.concept_id} names {', '.join(missing)}, which has no row")
    return table


def concept(concept_id: str) -> Concept:
    """One concept; raises UsageError for an id that has no row."""
    try:
        return concepts()[concept_id]
    except KeyError:
        raise UsageError("expected a concept id of rules/concepts.tsv, got another") from None


def edges() -> tuple[tuple[str, str], ...]:
    """Child and parent of each step up the hierarchy."""
    return tuple((one.concept_id, parent) for one in concepts().values() for parent in one.parents)


def _concept(row: dict[str, str]) -> Concept:
    return Concept(
        row["concept_id"],
        row["name"],
        row["kind"],
        _listed(row["parents"]),
        row["semantic_type"],
        row["cui"],
        row["hpo"],
        row["doid"],
        _listed(row["opposites"]),
        _listed(row["sources"]),
    )


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())
