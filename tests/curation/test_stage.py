"""A toy stage on a real workspace: the row law, increments, and what a kill leaves behind."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from curation.errors import IntegrityError, Rejected
from curation.records import Done, Reason, Record, Reject, ReportTag
from curation.stage import Batch, Item, Stage, manifest, prepare, rejects, run_batch
from curation.store import part_rows, read_rows
from curation.workspace import Workspace

NAMES = [f"item{number}" for number in range(5)]


def one(batch: Batch, item: Item) -> Iterable[Record]:
    if item.payload == "bad":
        raise Rejected(Reason.UNREADABLE, "a header was expected")
    if item.payload == "silent":
        return
    batch.store(item.name, item.payload.encode())
    yield ReportTag(item.name, "toy", item.payload)


def toy(contents: dict[str, str], name: str = "mine", keeps: bool = False) -> Stage:
    items = [Item(key, value, value) for key, value in contents.items()]

    def plan(workspace: Workspace) -> Sequence[Item]:
        return items

    return Stage(name, (ReportTag,), plan, one, keeps)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    root = tmp_path / "workspace"
    root.mkdir()
    text = Path("params.yaml").read_text().replace("mine:\n", "mine:\n  batch_items: 2\n")
    (root / "params.yaml").write_text(text.replace("deid:\n", "deid:\n  batch_items: 2\n"))
    (root / "dvc.yaml").write_text("stages: {}\n")
    monkeypatch.setenv("PAXFLOW_VAULT", str(tmp_path / "vault"))
    return Workspace(root)


def run(stage: Stage, workspace: Workspace, at_most: int | None = None) -> int:
    todo = prepare(stage, workspace)
    for batch in todo.batches[:at_most]:
        run_batch(stage, workspace, batch)
    return len(todo.batches)


def tags(stage: Stage, workspace: Workspace) -> dict[str, str]:
    return {row.report_id: row.tag for row in read_rows(ReportTag, workspace.tables(stage.name))}


def files(workspace: Workspace) -> dict[str, bytes]:
    return {str(p.relative_to(workspace.root)): p.read_bytes() for p in workspace.root.rglob("*") if p.is_file()}


def test_every_item_ends_as_rows_or_as_a_reject(workspace: Workspace) -> None:
    stage = toy(dict.fromkeys(NAMES, "good") | {"item2": "bad"})
    run(stage, workspace)
    assert set(tags(stage, workspace)) == set(NAMES) - {"item2"}
    assert [(row.item, row.reason) for row in rejects(workspace, stage)] == [("item2", Reason.UNREADABLE)]
    assert {row.item for row in manifest(workspace, stage)} == set(NAMES)


def test_an_item_that_ends_in_silence_is_an_error(workspace: Workspace) -> None:
    with pytest.raises(IntegrityError, match="neither a row nor a reject"):
        run(toy({"item0": "silent"}), workspace)


def test_two_items_of_one_name_are_an_error(workspace: Workspace) -> None:
    stage = toy({})
    twice = replace(stage, plan=lambda _: [Item("same", "1", "x"), Item("same", "2", "y")])
    with pytest.raises(IntegrityError, match="one name"):
        prepare(twice, workspace)


def test_a_second_run_has_nothing_to_do(workspace: Workspace) -> None:
    stage = toy(dict.fromkeys(NAMES, "good"))
    assert run(stage, workspace) == 3
    before = files(workspace)
    assert run(stage, workspace) == 0
    assert files(workspace) == before


def test_one_new_item_costs_one_batch_and_leaves_the_others_alone(workspace: Workspace) -> None:
    run(toy(dict.fromkeys(NAMES, "good")), workspace)
    before = files(workspace)
    more = toy(dict.fromkeys([*NAMES, "item9"], "good"))
    assert run(more, workspace) == 1
    assert before.items() <= files(workspace).items()


def test_a_changed_or_removed_input_replaces_its_rows(workspace: Workspace) -> None:
    run(toy(dict.fromkeys(NAMES, "good")), workspace)
    changed = toy({"item0": "new", "item1": "good", "item3": "good"})
    run(changed, workspace)
    assert tags(changed, workspace) == {"item0": "new", "item1": "good", "item3": "good"}


def test_rows_of_a_keeping_stage_outlive_their_source(workspace: Workspace) -> None:
    run(toy(dict.fromkeys(NAMES, "good"), keeps=True), workspace)
    left = toy({"item0": "good"}, keeps=True)
    assert run(left, workspace) == 0
    assert set(tags(left, workspace)) == set(NAMES)


def test_a_change_that_would_mix_old_and_new_rows_is_refused(workspace: Workspace) -> None:
    run(toy(dict.fromkeys(NAMES, "good"), keeps=True), workspace)
    with pytest.raises(IntegrityError, match="bring them back"):
        prepare(toy({"item0": "new", "item9": "good"}, keeps=True), workspace)


def test_a_kill_while_stale_parts_go_leaves_nothing_twice(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(toy(dict.fromkeys(NAMES, "good"), name="deid"), workspace)
    changed = toy(dict.fromkeys(NAMES, "new"), name="deid")
    unlink, left = Path.unlink, iter(range(2))

    def die_at_the_third(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".parquet" and next(left, None) is None:
            raise KeyboardInterrupt
        unlink(path, missing_ok)

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Path, "unlink", die_at_the_third)
        run(changed, workspace)
    run(changed, workspace)
    rows = read_rows(ReportTag, workspace.tables("deid"))
    assert [(row.report_id, row.tag) for row in rows] == [(name, "new") for name in NAMES]


def test_a_changed_parameter_does_everything_again(workspace: Workspace) -> None:
    stage = toy(dict.fromkeys(NAMES, "good"), name="measure")
    run(stage, workspace)
    params = workspace.root / "params.yaml"
    params.write_text(params.read_text().replace("limits: {} ", "limits: {cardiomegaly: [0.6]} "))
    assert prepare(stage, Workspace(workspace.root)).n_done == 0


@pytest.mark.parametrize("name", ["mine", "deid"])
def test_a_kill_before_the_manifest_loses_only_that_batch(workspace: Workspace, name: str) -> None:
    stage = toy(dict.fromkeys(NAMES, "good"), name=name)
    run(stage, workspace)
    whole = files(workspace)
    control = workspace.control(name)
    victim = sorted((control / "manifest").glob("*.parquet"))[0]
    lost = {row.item for row in part_rows(Done, victim)}
    victim.unlink()
    (control / "pending").mkdir(exist_ok=True)
    (control / "pending" / victim.stem).touch()
    (workspace.tables(name) / "report_tags" / "half.parquet.7.tmp").write_bytes(b"torn")
    todo = prepare(stage, workspace)
    assert {item.name for batch in todo.batches for item in batch} == lost
    for batch in todo.batches:
        run_batch(stage, workspace, batch)
    assert files(workspace).keys() - whole.keys() <= {f"work/{name}/pending"}
    assert {k: v for k, v in files(workspace).items() if k in whole} == whole


def test_data_of_another_vault_is_never_taken_for_torn(workspace: Workspace) -> None:
    stage = toy(dict.fromkeys(NAMES, "good"), name="deid")
    run(stage, workspace)
    before = files(workspace)
    for part in (workspace.control("deid") / "manifest").glob("*.parquet"):
        part.unlink()
    prepare(stage, workspace)
    assert files(workspace) == before


def test_rejects_of_a_border_stage_stay_in_the_vault(workspace: Workspace) -> None:
    stage = toy({"item0": "bad"}, name="deid")
    run(stage, workspace)
    assert not list(workspace.root.rglob("*.parquet"))
    assert [row.item for row in read_rows(Reject, workspace.vault / "deid")] == ["item0"]
