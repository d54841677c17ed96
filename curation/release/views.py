"""SQL over the versions of one release: their tables, and ready views across them. Only text; DuckDB is elsewhere.

"paxray@v1.2.0".labels   a table of one version; the tables of the version in question stand without a schema
versions                 one row per version and table, with its rows
prevalence               label × split × version: images and patients by source and state
changes                  one row per row that was added, removed or changed from one version to the next, by key
label_trail              where each label of the version is from: decision, reader's event or outline, mention
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from curation.records import key_of
from curation.release.opened import Opened


@dataclass(frozen=True)
class Shelf:
    """One version of a release, or the one that lies in the workspace, and its folder."""

    name: str
    folder: Path

    @property
    def tables(self) -> tuple[str, ...]:
        """Its tables, sorted."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.parquet")))

    def of(self, table: str) -> str:
        """The table as SQL names it."""
        return f"{quoted(self.name)}.{quoted(table)}"


def statements(chosen: Shelf, shelves: Sequence[Shelf]) -> Iterator[str]:
    """Statements that make all tables and views; ``shelves`` are the versions of one recipe, the oldest first."""
    for shelf in shelves:
        yield f"create schema {quoted(shelf.name)}"
        for table in shelf.tables:
            path = text(str(shelf.folder / f"{table}.parquet"))
            yield f"create view {shelf.of(table)} as select * from read_parquet({path})"
    for table in chosen.tables:
        yield f"create view {quoted(table)} as select * from {chosen.of(table)}"
    yield f"create view versions as {' union all '.join(_versions(shelves))}"
    for name, parts in (
        ("prevalence", _prevalence(shelves)),
        ("changes", _changes(shelves)),
        ("label_trail", _trail(chosen)),
    ):
        found = list(parts)
        if found:
            yield f"create view {name} as {' union all '.join(found)}"


def _versions(shelves: Sequence[Shelf]) -> Iterator[str]:
    for shelf in shelves:
        for table in shelf.tables:
            yield (
                f"select {text(shelf.name)} as version, {text(table)} as table_name, count(*) as n_rows from "
                + shelf.of(table)
            )


def _prevalence(shelves: Sequence[Shelf]) -> Iterator[str]:
    for shelf in shelves:
        if {"labels", "images"} <= set(shelf.tables):
            yield (
                f"select {text(shelf.name)} as version, i.split, l.label_set, l.label, l.source, l.state, "
                "count(distinct l.image_id) as n_images, count(distinct i.patient_id) as n_patients "
                f"from {shelf.of('labels')} l join {shelf.of('images')} i using (image_id) group by all"
            )


_CONTENT = "hash(*columns(lambda name: name not in ('shard', 'offset', 'length')))"
"""Of a row, without the columns that say where bytes lie."""


def _changes(shelves: Sequence[Shelf]) -> Iterator[str]:
    for old, new in pairwise(shelves):
        for table in sorted(set(old.tables) & set(new.tables)):
            key = f"concat_ws('|', {', '.join(map(quoted, key_of(Opened(new.folder).record(table))))})"
            before, after = (f"(select {key} as key, {_CONTENT} as content from {s.of(table)})" for s in (old, new))
            what = "case when o.content is null then 'added' when n.content is null then 'removed' else 'changed' end"
            yield (
                f"select {text(table)} as table_name, {text(old.name)} as from_version, "
                f"{text(new.name)} as to_version, {what} as what, key from {before} o full join {after} n using (key) "
                "where o.content is distinct from n.content"
            )


_LABEL = "select l.image_id, l.label_set, l.label, l.state, l.source, l.source_id"
_SAID = "null as report_id, null as mention_id, null as sentence_start, null as sentence_end, null as rule_id"
_READ = "null as method, null as event_id, null as reader_id, null as read_at"


def _trail(chosen: Shelf) -> Iterator[str]:
    """Each label once for every event or mention behind it; once where there is none."""
    there = set(chosen.tables)
    if "labels" not in there:
        return
    explained = []
    if {"decisions", "annotation_events"} <= there:
        explained.append("readers")
        yield (
            f"{_LABEL}, d.method, e.event_id, e.reader_id, e.at as read_at, {_SAID} from labels l "
            "left join (select decision_id, method, unnest(event_ids) as event_id from decisions) d "
            "on d.decision_id = l.source_id left join annotation_events e using (event_id) where l.source = 'readers'"
        )
    outlines = next((name for name in ("ct_outlines", "reads") if name in there), "")
    if "consensus" in there and outlines:
        explained.append("consensus")
        yield (
            f"{_LABEL}, c.method, object_id as event_id, o.reader_id, null as read_at, {_SAID} from labels l "
            "left join (select consensus_id, method, unnest(object_ids) as object_id from consensus) c "
            "on c.consensus_id = l.source_id "
            f"left join (select distinct object_id, reader_id from {outlines}) o using (object_id) "
            "where l.source = 'consensus'"
        )
    if {"report_labels", "mentions"} <= there:
        explained.append("report")
        yield (
            f"{_LABEL}, {_READ}, r.report_id, m.mention_id, m.sentence_start, m.sentence_end, m.rule_id from labels l "
            "left join (select report_id, label_set, label, unnest(mention_ids) as mention_id from report_labels) r "
            "on r.report_id = l.source_id and r.label = l.label and r.label_set = l.label_set "
            "left join mentions m using (mention_id) where l.source = 'report'"
        )
    rest = f" where l.source not in ({', '.join(map(text, explained))})" if explained else ""
    yield f"{_LABEL}, {_READ}, {_SAID} from labels l{rest}"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"{}"'.format(name.replace('"', '""'))


def text(value: str) -> str:
    """A text as SQL has it."""
    return "'{}'".format(value.replace("'", "''"))
