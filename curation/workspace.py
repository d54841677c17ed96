"""Where things lie: a workspace (git, DVC, ``data/``, ``work/``, ``release/``) and the vault beside it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from curation.errors import BusyError, UsageError, VaultError
from curation.settings import Settings, load_settings

VAULT_STAGES = ("ingest",)
BORDER_STAGES = ("deid",)
DATA_WRITERS = ("deid", "read", "labels", "splits")
"""What writes into ``data/``: the border, readers' answers, other labelers' opinions, splits that others published."""


@dataclass(frozen=True)
class Workspace:
    """A folder that holds ``params.yaml`` and ``dvc.yaml``."""

    root: Path

    @staticmethod
    def find(start: Path | None = None) -> "Workspace":
        """The workspace that holds ``start`` (the current folder by default)."""
        here = (start or Path.cwd()).resolve()
        for folder in (here, *here.parents):
            if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
                return Workspace(folder)
        raise UsageError(
            "no paxflow workspace here (a folder with params.yaml and dvc.yaml): make one with `paxflow init DIR`"
        )

    @cached_property
    def settings(self) -> Settings:
        """The checked ``params.yaml``."""
        return load_settings(self.root / "params.yaml")

    @property
    def vault(self) -> Path:
        """The vault, from ``PAXFLOW_VAULT``; it must not lie inside the workspace, nor the workspace in it."""
        given = os.environ.get("PAXFLOW_VAULT")
        if not given:
            raise VaultError(
                "PAXFLOW_VAULT is not set: name the folder for what identifies people (files arrive in its landing/)"
            )
        return _outside(Path(given).absolute(), self.root.absolute())

    @property
    def landing(self) -> Path:
        """Where sources arrive."""
        return self.vault / "landing"

    def tables(self, stage: str) -> Path:
        """The folder of a stage's tables and bytes."""
        if stage in VAULT_STAGES:
            return self.vault / stage
        if stage in DATA_WRITERS:
            return self.root / "data"
        return self.root / "work" / stage

    def control(self, stage: str) -> Path:
        """The folder of a stage's manifest and rejects: in the vault while they name originals."""
        if stage in VAULT_STAGES + BORDER_STAGES:
            return self.vault / stage
        return self.root / "work" / stage

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the workspace's lock ``name``; the kernel frees it however the process ends."""
        folder = self.root / ".paxflow"
        folder.mkdir(exist_ok=True)
        with (folder / f"{name}.lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(f"another paxflow process is at work on '{name}' here: wait for it to end") from None
            yield


@lru_cache(maxsize=16)
def _outside(given: Path, root: Path) -> Path:
    """A vault's real path; raises VaultError if it and the workspace lie one in the other. Asked for with each file."""
    vault, root = given.resolve(), root.resolve()
    if vault.is_relative_to(root) or root.is_relative_to(vault):
        raise VaultError(
            "PAXFLOW_VAULT must lie outside the workspace: git, DVC and backups of the workspace must never see it"
        )
    return vault
