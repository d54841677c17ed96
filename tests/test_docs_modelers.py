"""Every block of the modelers' page runs, in order, in an empty folder, against real repositories."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from datasets import load_dataset

from curation.layouts import LAYOUTS
from curation.release import loaders
from curation.release.build import build, folder_of
from tests.cohort import cohort

pytestmark = pytest.mark.xdist_group("modelers")  # one worker, so one registry
PAGE = (Path(__file__).resolve().parents[1] / "docs" / "modelers.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "AWS_", "PYTHON"))},
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "DVC_NO_ANALYTICS": "1",
    **{f"GIT_{who}_{what}": "modeler@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    **{f"AWS_{name}": "testing" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY")},
}


def sh(script: str, folder: Path, **more: str) -> str:
    """Run a block; what it wrote stands in the failure if it fails."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder, env=ENVIRONMENT | more, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository that has published two versions of a release, with its store on a disk."""
    root = tmp_path_factory.mktemp("registry")
    workspace = cohort(root / "made", 40)
    build(workspace, "classification")
    repository = root / "chest"
    release = repository / "release" / "classification"
    release.parent.mkdir(parents=True)
    sh("git init --quiet && dvc init --quiet && dvc remote add --default store ../store", repository)
    artifact = "artifacts:\n  classification:\n    path: release/classification\n    type: dataset\n"
    (repository / "dvc.yaml").write_text(artifact)
    shutil.copytree(folder_of(workspace, "classification"), release)
    publish(repository, "0.1.0")
    shutil.rmtree(release)
    later = cohort(root / "later", 10)
    build(later, "classification")
    shutil.copytree(folder_of(later, "classification"), release)
    publish(repository, "0.2.0")
    return repository


def publish(repository: Path, version: str) -> None:
    sh(
        "dvc add --quiet release/classification && dvc push --quiet && git add . "
        f"&& git commit --quiet -m v{version} && git tag -a -m v{version} classification@v{version}",
        repository,
    )


@pytest.fixture(scope="module")
def pulled(registry: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A modeler's folder after all blocks for the shell but the first, which installs."""
    folder = tmp_path_factory.mktemp("modeler")
    for language, block in BLOCKS[1:]:
        if language == "bash":
            sh(block, folder, REGISTRY=str(registry))
    return folder


def test_shell_comes_first_and_python_after_it() -> None:
    languages = [language for language, _ in BLOCKS]
    assert set(languages) == {"bash", "python"}
    assert languages == sorted(languages)
    assert "pip install" in BLOCKS[0][1]


def test_every_way_to_pull_gives_the_version_that_was_named(registry: Path, pulled: Path) -> None:
    tables = {path.name: path.read_bytes() for path in (pulled / "classification").glob("*.parquet")}
    assert tables["targets.parquet"] == (pulled / "targets.parquet").read_bytes()
    later = (registry / "release" / "classification" / "targets.parquet").read_bytes()
    assert tables["targets.parquet"] != later
    for folder in ("experiment/classification", "newest"):
        assert (pulled / folder / "targets.parquet").read_bytes() == later


def test_a_model_is_trained_and_a_label_traced(pulled: Path) -> None:
    script = "\n".join(block for language, block in BLOCKS if language == "python")
    printed = sh(f"python - <<'END'\n{script}\nEND", pulled)
    losses = [float(loss) for loss in re.findall(r"^step \d+: loss ([\d.]+)$", printed, re.MULTILINE)]
    assert len(losses) == -(-len(loaders.images(pulled / "classification", "train")) // 16)
    assert all(0 < loss < 5 for loss in losses)
    assert len(re.findall(r"^valid: AUC (?:[\d.]+|nan) \w+", printed, re.MULTILINE)) == 5
    assert "assertion_rule_id" in printed
    assert "event_id" in printed
    assert (pulled / "first.png").read_bytes().startswith(b"\x89PNG")


def test_datasets_opens_what_was_pulled(pulled: Path, tmp_path: Path) -> None:
    folder = pulled / "classification"
    for name in ("images", "targets"):
        loaded = load_dataset(str(folder), name, split="train", cache_dir=str(tmp_path))
        assert len(loaded) == len(loaders.table(name, folder))


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """An S3 that answers on this machine."""
    server = import_module("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_same_line_pulls_from_a_bucket(registry: Path, bucket: str, pulled: Path, tmp_path: Path) -> None:
    make = "import boto3,sys; boto3.client('s3', endpoint_url=sys.argv[1]).create_bucket(Bucket='releases')"
    region = {"AWS_DEFAULT_REGION": "us-east-1"}
    sh(f'python -W ignore -c "{make}" {bucket}', tmp_path, **region)
    chest = tmp_path / "chest"
    shutil.copytree(registry, chest)
    sh(
        "git checkout --quiet classification@v0.1.0 && git tag -d classification@v0.1.0 "
        "&& dvc remote add --quiet --default --force store s3://releases/store "
        f"&& dvc remote modify store endpointurl {bucket} && dvc push --quiet && git commit --quiet -am S3 "
        "&& git tag -a -m S3 classification@v0.1.0 && rm -rf .dvc/cache release/classification",
        chest, **region,
    )  # fmt: skip
    (tmp_path / "modeler").mkdir()
    block = next(block for _, block in BLOCKS if "dvc get" in block)
    sh(block, tmp_path / "modeler", REGISTRY=str(chest), **region)
    one, other = (folder / "classification" / "CHECKSUMS.sha256" for folder in (tmp_path / "modeler", pulled))
    assert one.read_bytes() == other.read_bytes()


def test_the_page_names_every_loader_and_layout() -> None:
    assert all(f"`{name}`" in PAGE for name in LAYOUTS)
    public = set(re.findall(r"loaders\.(\w+)\(", PAGE))
    assert {"table", "TorchDataset", "xrayvision", "monai_items", "webdataset", "coco", "nifti"} <= public
    assert all(hasattr(loaders, name) for name in public)
