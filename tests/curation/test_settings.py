"""params.yaml: what is accepted, and what an error says."""

from pathlib import Path

import pytest
import yaml

from curation.errors import SettingsError
from curation.settings import load_settings


def edited(tmp_path: Path, section: str, **values: object) -> Path:
    params = yaml.safe_load(Path("params.yaml").read_text())
    params[section] |= values
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return path


def test_the_repository_and_a_new_workspace_differ_in_the_words_of_the_release_only() -> None:
    own, new = (load_settings(Path(p).resolve()).model_dump() for p in ("params.yaml", "flows/params.yaml"))
    for settings in (own, new):
        for recipe in settings["recipes"].values():
            for word in ("title", "licence", "attribution"):
                del recipe[word]
    assert own == new


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("project", {"size": 512}, "project.size"),
        ("project", {"size_px": "big"}, "project.size_px"),
        ("mine", {"version": 99}, "mine.version"),
        ("deid", {"max_shift_days": 0}, "deid.max_shift_days"),
        ("project", {"views": ["PA", "PA"]}, "each once"),
        ("recipes", {"paxray": {"version": 1, "split": {"train": 0.5, "valid": 0.1, "test": 0.1}}}, "sum to 1"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, section: str, values: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load_settings(edited(tmp_path, section, **values))


def test_no_file_and_no_yaml_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="paxflow init"):
        load_settings(tmp_path / "params.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(SettingsError, match="cannot be used"):
        load_settings(tmp_path / "bad.yaml")
