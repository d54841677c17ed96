"""Who is in which split: official, kept, balanced, or by a hash."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.errors import InputError, UsageError
from curation.records import (
    OfficialSplit,
    Patient,
    Radiograph,
    Record,
    ReleaseSplit,
    Report,
    ReportLabel,
    Series,
    Study,
    View,
)
from curation.release.opened import CHECKSUMS, Opened
from curation.release.splits import assign, hashed, split_of_each
from curation.release.strata import Read, deal, strata
from curation.settings import RecipeSettings
from curation.store import to_arrow, write_parquet
from curation.workspace import Workspace
from tests.rows import view, workspace_with_rows

SHARES = {"train": 0.7, "valid": 0.1, "test": 0.2}
EVERYTHING = ("sex", "age", "site", "view", "label:Edema")
DAY = date(2001, 2, 3)


def recipe(**changed: Any) -> RecipeSettings:
    given = {"version": 2, "title": "", "licence": "", "attribution": "", "split": SHARES, "split_salt": "salt"}
    return RecipeSettings.model_validate(given | changed)


def reading(rows: Iterable[Record]) -> Read:
    tables: dict[type[Record], list[Any]] = defaultdict(list)
    for row in rows:
        tables[type(row)].append(row)
    return lambda record: tables[record]


def person(number: int, seed: int = 0) -> list[Record]:
    """A patient with two studies, radiographs and a report, drawn at random."""
    draw = np.random.default_rng([seed, number])
    name = f"p{number}"
    return [
        Patient(name, "FM"[draw.integers(2)], 2, 1),
        *(
            Study(
                f"{name}s{n}",
                name,
                "",
                DAY.replace(year=2001 + n),
                (45, 63)[draw.integers(2)],
                ("DX",),
                1,
                "ab"[draw.integers(2)],
            )
            for n in range(2)
        ),
        Series(f"{name}x", f"{name}s0", name, "DX", 1, (1, 2, 2), (0.0, 1.0, 1.0), (), (), ()),
        *(Radiograph(f"{name}i{v}", f"{name}x", v, "MONOCHROME2", 2, 2) for v in ("PA", "LAT")[: draw.integers(1, 3)]),
        Report(f"{name}r", name, "", None, "local", "", "text"),
        ReportLabel(f"{name}r", "Edema", (1, 0, None)[draw.integers(3)], ()),
        ReportLabel(f"{name}r", "Fracture", 1, ()),
    ]


def people(count: int, seed: int = 0) -> list[Record]:
    return [row for number in range(count) for row in person(number, seed)]


def as_release(folder: Path, rows: Iterable[ReleaseSplit]) -> Opened:
    write_parquet(to_arrow(ReleaseSplit, rows), folder / "splits.parquet")
    (folder / CHECKSUMS).write_text("")
    return Opened(folder)


def by_patient(rows: Iterable[ReleaseSplit]) -> dict[str, ReleaseSplit]:
    return {row.patient_id: row for row in rows}


# --- hash ------------------------------------------------------------------------------------------------


@given(st.sets(st.text(max_size=8), max_size=20), st.sets(st.text(max_size=8), max_size=20))
def test_a_patient_stays_in_its_split_whoever_else_arrives(now: set[str], later: set[str]) -> None:
    first, second = (
        by_patient(assign(reading(Patient(name, "", 0, 0) for name in names), recipe(), None))
        for names in (now, now | later)
    )
    assert first.items() <= second.items()
    assert {row.split_source for row in second.values()} <= {"derived"}
    assert all(row.split == hashed(row.patient_id, recipe()) and not row.strata for row in second.values())


def test_shares_of_a_hash_are_met_within_what_chance_allows() -> None:
    counts = Counter(hashed(f"p{number}", recipe()) for number in range(20_000))
    for name, share in SHARES.items():
        assert abs(counts[name] - 20_000 * share) < 4 * (20_000 * share * (1 - share)) ** 0.5


def test_a_fraction_beyond_the_rounded_sum_of_shares_is_test(monkeypatch: pytest.MonkeyPatch) -> None:
    none = recipe(split={"train": 0.0, "valid": 0.0, "test": 1.0})
    object.__setattr__(none.split, "test", 0.0)
    assert hashed("p1", none) == "test"


# --- official --------------------------------------------------------------------------------------------


@given(st.dictionaries(st.integers(0, 40), st.sampled_from(("train", "valid", "test"))), st.booleans())
def test_an_official_split_is_honoured_row_for_row(published: dict[int, str], balanced: bool) -> None:
    published = {**published, 0: "valid"}
    official = [OfficialSplit("theirs", f"p{number}", split) for number, split in published.items()]
    others = [OfficialSplit("another", f"p{number}", "test") for number in range(40)]
    awaited = OfficialSplit("theirs", "not here yet", "train")
    wanted = recipe(official="theirs", stratify=["sex"] if balanced else [])
    rows = by_patient(assign(reading([*people(30), *others, *official, awaited]), wanted, None))
    assert rows.keys() == {f"p{number}" for number in range(30)}
    for number in range(30):
        row = rows[f"p{number}"]
        if number in published:
            assert (row.split, row.split_source) == (published[number], "official")
        else:
            assert row.split_source == ("balanced" if balanced else "derived")
            assert balanced or row.split == hashed(row.patient_id, wanted)


def test_an_official_split_that_is_not_here_says_how_to_take_it_in() -> None:
    with pytest.raises(InputError, match=r"'theirs'.*paxflow release official"):
        list(assign(reading([OfficialSplit("another", "p1", "test")]), recipe(official="theirs"), None))


def test_an_official_split_of_other_patients_is_not_passed_over_in_silence() -> None:
    rows = [*people(3), OfficialSplit("theirs", "somebody else", "test")]
    with pytest.raises(InputError, match="--issuer"):
        list(assign(reading(rows), recipe(official="theirs"), None))


# --- balanced --------------------------------------------------------------------------------------------


@given(st.randoms(use_true_random=False), st.integers(0, 60), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_balanced_split_does_not_depend_on_the_order_of_rows(order: Random, count: int, seed: int) -> None:
    rows = people(count, seed)
    mixed = list(rows)
    order.shuffle(mixed)
    wanted = recipe(stratify=EVERYTHING)
    assert list(assign(reading(rows), wanted, None)) == list(assign(reading(mixed), wanted, None))


@given(st.integers(0, 200), st.integers(0, 5), st.sets(st.sampled_from(EVERYTHING), min_size=1))
@settings(max_examples=40, deadline=None)
def test_every_stratum_is_less_than_a_patient_from_its_shares(count: int, seed: int, asked: set[str]) -> None:
    rows = list(assign(reading(people(count, seed)), recipe(stratify=sorted(asked)), None))
    assert {row.split_source for row in rows} <= {"balanced"}
    for stratum, size in Counter(row.strata for row in rows).items():
        for name, share in SHARES.items():
            got = sum(row.strata == stratum and row.split == name for row in rows)
            assert abs(got - share * size) < 1


def test_strata_of_one_patient_do_not_all_go_to_train() -> None:
    shares = list(SHARES.items())
    dealt = deal({(f"site={n:03d}",): (f"p{n}",) for n in range(100)}, {}, shares)
    assert Counter(dealt.values()) == {"train": 70, "valid": 10, "test": 20}


def test_small_joint_strata_leave_each_single_value_balanced() -> None:
    draw = np.random.default_rng(7)
    waiting: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for number in range(3000):
        waiting[tuple(f"{name}={draw.integers(4)}" for name in "abcdef")].append(f"p{number}")
    dealt = deal(waiting, {}, list(SHARES.items()))
    assert len(waiting) > 1500
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for stratum, names in waiting.items():
        for value in stratum:
            counts[value].update(dealt[name] for name in names)
    for found in counts.values():
        for name, share in SHARES.items():
            assert abs(found[name] - share * found.total()) < 4


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_nobody_moves_out_of_a_balanced_split_when_others_arrive(
    tmp_path_factory: pytest.TempPathFactory, before: int, more: int, seed: int
) -> None:
    wanted = recipe(stratify=EVERYTHING)
    old = as_release(tmp_path_factory.mktemp("old"), assign(reading(people(before, seed)), wanted, None))
    first = {row["patient_id"]: row["split"] for row in old.table("splits").to_dicts()}
    rows = by_patient(assign(reading(people(before + more, seed)), wanted, old))
    assert {name: rows[name].split for name in first} == first
    assert {name for name, row in rows.items() if row.split_source == "kept"} == first.keys()
    assert Counter(row.split_source for row in rows.values())["balanced"] == more
    for stratum, size in Counter(row.strata for row in rows.values()).items():
        own = Counter(row.split for row in rows.values() if row.strata == stratum)
        assert all(own[name] - share * size < 2 for name, share in SHARES.items())


def test_who_has_left_the_catalog_is_not_kept(tmp_path: Path) -> None:
    old = as_release(tmp_path, [ReleaseSplit("gone", "test", "derived", "salt", "")])
    rows = by_patient(assign(reading(people(3)), recipe(stratify=["sex"]), old))
    assert rows.keys() == {"p0", "p1", "p2"}


def test_a_split_by_hash_needs_no_version_before(tmp_path: Path) -> None:
    other = {"train": "test", "test": "train", "valid": "train"}[hashed("p0", recipe())]
    old = as_release(tmp_path, [ReleaseSplit("p0", other, "derived", "salt", "")])
    assert by_patient(assign(reading(people(1)), recipe(), old))["p0"].split == hashed("p0", recipe())


def test_official_comes_before_kept(tmp_path: Path) -> None:
    old = as_release(tmp_path, [ReleaseSplit(name, "train", "balanced", "salt", "") for name in ("p0", "p1")])
    rows = [*people(2), OfficialSplit("theirs", "p0", "test")]
    found = by_patient(assign(reading(rows), recipe(official="theirs", stratify=["sex"]), old))
    assert [(row.split, row.split_source) for row in found.values()] == [("test", "official"), ("train", "kept")]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 12), min_size=1),
    st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from(tuple(SHARES)), max_size=9)),
)
def test_a_stratum_that_others_have_filled_unevenly_is_made_good(
    sizes: Mapping[str, int], given: Mapping[str, Sequence[str]]
) -> None:
    waiting: dict[tuple[str, ...], list[str]] = {
        (name,): [f"{name}{n}" for n in range(size)] for name, size in sizes.items()
    }
    dealt = deal(waiting, {(name,): splits for name, splits in given.items()}, list(SHARES.items()))
    assert dealt.keys() == {patient for queue in waiting.values() for patient in queue}
    for (name,), queue in waiting.items():
        size = len(queue) + len(given.get(name, ()))
        new = Counter(dealt[patient] for patient in queue)
        for split, share in SHARES.items():
            assert not new[split] or new[split] + list(given.get(name, ())).count(split) - share * size < 1


def test_a_split_without_a_share_gets_nobody() -> None:
    dealt = deal({("a",): [f"p{n}" for n in range(7)]}, {}, [("train", 0.85), ("valid", 0.0), ("test", 0.15)])
    assert Counter(dealt.values()) == {"train": 6, "test": 1}


# --- strata ----------------------------------------------------------------------------------------------


def test_a_stratum_reads_as_what_was_asked_for() -> None:
    series = [Series(f"x{n}", f"s{n}", "p", "CT", 1, (1, 2, 2), (), (), (), ()) for n in (1, 2)]
    rows: list[Record] = [
        Patient("p", "F", 3, 1),
        Study("s1", "p", "", DAY, 69, ("DX",), 1, "site1"),
        Study("s0", "p", "", None, 30, ("DX",), 1, "site0"),
        Study("s2", "p", "", DAY.replace(year=2002), 70, ("CT",), 1, "site2"),
        *series,
        Radiograph("i1", "x1", "", "MONOCHROME1", 1, 1),
        view("v1", "x2"),
        Report("r", "p", "", None, "local", "", ""),
        ReportLabel("r", "Edema", 1, ()),
        ReportLabel("r", "Fracture", -1, ()),
        ReportLabel("r", "Fracture", 1, (), "nih"),
    ]
    asked = ("sex", "age", "site", "view", "label:Edema", "label:Fracture")
    expected = ("sex=F", "age=60-69", "site=site1", "view=PA+unknown", "Edema=present", "Fracture=not present")
    assert strata(reading(rows), asked) == {"p": expected}
    found = by_patient(assign(reading(rows), recipe(stratify=["sex", "age"]), None))
    assert found["p"].strata == "sex=F, age=60-69"


def test_what_nobody_knows_of_a_patient_is_a_value_too() -> None:
    rows: list[Record] = [Patient("p", "", 0, 1), Patient("q", "M", 1, 0), Study("s", "q", "", None, None, (), 0)]
    asked = ("sex", "age", "site", "view", "label:Edema")
    nothing = ("age=unknown", "site=unknown", "view=none", "Edema=not present")
    assert strata(reading(rows), asked) == {"p": ("sex=unknown", *nothing), "q": ("sex=M", *nothing)}


@pytest.mark.parametrize(("years", "decade"), [(0, "00-09"), (9, "00-09"), (10, "10-19"), (89, "80-89"), (90, "90+")])
def test_ages_fall_into_tens_of_years(years: int, decade: str) -> None:
    rows: list[Record] = [Patient("p", "", 1, 0), Study("s", "p", "", None, years, (), 0)]
    assert strata(reading(rows), ["age"]) == {"p": (f"age={decade}",)}


def test_a_label_that_no_report_could_have_is_refused() -> None:
    with pytest.raises(UsageError, match="it has Edema, Fracture"):
        strata(reading(people(1)), ["label:Oedema"])


def test_a_view_of_a_ct_counts_as_a_view() -> None:
    rows: list[Record] = [Patient("p", "", 1, 0), Series("x", "s", "p", "CT", 1, (), (), (), (), ()), view("v", "x")]
    assert strata(reading(rows), ["view"]) == {"p": ("view=PA",)}
    assert View in {type(row) for row in rows}


# --- before there is a release ---------------------------------------------------------------------------


def test_whoever_asks_before_a_release_is_told_what_it_will_have(tmp_path: Path) -> None:
    workspace = workspace_with_rows(tmp_path / "workspace")
    official = [OfficialSplit("theirs", "patient1", "test")]
    write_parquet(to_arrow(OfficialSplit, official), workspace.root / "data" / "official_splits" / "theirs.parquet")
    params = (workspace.root / "params.yaml").read_text().replace('official: ""', "official: theirs")
    (workspace.root / "params.yaml").write_text(params.replace("stratify: []", "stratify: [sex]"))
    split_of = split_of_each(workspace, "classification")
    assert (split_of("patient1"), split_of("patient2")) == ("test", "train")
    assert split_of("nobody") == hashed("nobody", workspace.settings.recipes["classification"])
    release = workspace.root / "release" / "classification"
    as_release(release, [ReleaseSplit("patient2", "valid", "balanced", "", "")])
    assert split_of_each(workspace, "classification")("patient2") == "train"
    since = (workspace.root / "params.yaml").read_text().replace("stratify: [sex]", "stratify: [sex]\n    since: 1.0.0")
    (workspace.root / "params.yaml").write_text(since)
    assert split_of_each(Workspace(workspace.root), "classification")("patient2") == "valid"
