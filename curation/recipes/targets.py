"""One target for each label of each image: what the best of several sources says, and what a policy makes of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from curation.recipes.classification_checks import OTHERS, POLICY, RANKS, SILENT_READERS, STRENGTH
from curation.recipes.image_labels import READERS, Cell
from curation.records import LabelMapRow, ReleaseLabel, ReleaseTarget
from curation.settings import TargetSettings

TREES = ("padchest",)
"""Sets of which only labels that are said have a row."""


def policy_of(settings: TargetSettings) -> Mapping[int | None, int | None]:
    """The target of each state."""
    return {1: 1, 0: 0, -1: POLICY[settings.uncertain], None: POLICY[settings.not_mentioned]}


def targets(
    labels: Iterable[ReleaseLabel],
    label_map: Sequence[LabelMapRow],
    splits: Mapping[str, str],
    policy: Mapping[int | None, int | None],
    reported: Iterable[Cell],
) -> Iterator[ReleaseTarget]:
    """One row for each label of a set on each image of which any source of that set speaks, or of which a report does.

    ``splits`` gives the split of each image, ``reported`` the images and sets of which there is a report, whatever it
    says. Of a tree only labels that a source has are there.
    """
    whole: dict[str, list[str]] = defaultdict(list)
    for row in sorted(label_map, key=lambda row: (row.label_set, row.position)):
        if row.label_set not in TREES:
            whole[row.label_set].append(row.label)
    said: dict[Cell, dict[str, list[ReleaseLabel]]] = defaultdict(lambda: defaultdict(list))
    for label in labels:
        said[label.image_id, label.label_set][label.label].append(label)
    for image_id, label_set in dict.fromkeys((*said, *reported)):
        by_label = said[image_id, label_set]
        for name in dict.fromkeys((*whole[label_set], *by_label)):
            state, source, source_id, n_sources, contradicted = _best(by_label.get(name, ()))
            yield ReleaseTarget(
                image_id=image_id,
                label_set=label_set,
                label=name,
                split=splits[image_id],
                state=state,
                target=policy[state],
                source=source,
                source_id=source_id,
                n_sources=n_sources,
                contradicted=contradicted,
            )


def _best(rows: Sequence[ReleaseLabel]) -> tuple[int | None, str, str, int, bool]:
    """State, source, source_id, number of sources that say something, and whether another says the opposite.

    Silence (null) gives way to any source that speaks. That readers found a label not mentioned is a decision about the
    report: it stands above what the report's own labels and other labelers say, and below what was seen in the image.
    """
    if not rows:
        return None, "", "", 0, False
    if len(rows) == 1:  # the most of them
        return rows[0].state, rows[0].source, rows[0].source_id, int(rows[0].state is not None), False
    best = min(rows, key=_order)
    states = {row.state for row in rows}
    speaking = {row.source for row in rows if row.state is not None}
    contradicted = best.state is not None and best.state >= 0 and 1 - best.state in states
    return best.state, best.source, best.source_id, len(speaking), contradicted


def _order(row: ReleaseLabel) -> tuple[int, str, int, str]:
    rank = RANKS.get(row.source, OTHERS)
    if row.state is None:
        rank = SILENT_READERS if row.source == READERS else rank + OTHERS
    return rank, row.source, STRENGTH[row.state], row.source_id
