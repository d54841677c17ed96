"""The key that pseudonyms are made with: where it lies, and which keys are refused.

It comes from ``PAXFLOW_KEY`` or from a file that its owner alone can read, never from the workspace.
"""

import hashlib
import hmac
import os
import secrets
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from curation.deid.keys.identity import Identity
from curation.errors import VaultError
from curation.records import Source
from curation.settings import DeidSettings
from curation.store import digest, sync_folder
from curation.workspace import Workspace

KEY_BYTES = 32
MIN_DISTINCT = 12  # of 32 random bytes about 30 differ; fewer than 12 has a chance below 1e-12
DEMO_KEY = hashlib.sha256(b"paxflow: the published key of the published sample; for nothing else").digest()
SAMPLE_DIGEST = "017684d2f486dcab6f9e5136362987174ad36ea9c3217f01a1aeda400c2c0d4b"
"""``sample_digest`` of the published sample: the only landing zone that ``DEMO_KEY`` is accepted for."""


def identity(workspace: Workspace, settings: DeidSettings) -> Identity:
    """The identity that this workspace's key and parameters make."""
    return Identity(read_key(workspace), settings.max_shift_days, settings.oldest_age_years)


def key_path(vault: Path) -> Path:
    """Where the key file lies: ``PAXFLOW_KEY_FILE``, or ``key`` in the vault."""
    given = os.environ.get("PAXFLOW_KEY_FILE")
    return Path(given) if given else vault / "key"


def key_place(workspace: Workspace) -> Path:
    """``key_path`` of this workspace's vault; raises VaultError if it lies inside the workspace."""
    path = key_path(workspace.vault)
    if path.resolve().is_relative_to(workspace.root.resolve()):
        raise VaultError("the key file must lie outside the workspace: git, DVC and backups must never see it")
    return path


def make_key(path: Path) -> None:
    """Write a new random key that its owner alone can read; raises VaultError if there is a file already.

    It appears whole or not at all, however this ends; of two that make one at a time, one is refused.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new_key(path) as temporary:
            os.link(temporary, path)  # unlike a rename, never over a key that is there
        sync_folder(path.parent)
    except OSError:
        if path.exists():
            raise VaultError("there is a key already: a new one would give every patient a second pseudonym") from None
        raise VaultError("the key file cannot be written: its folder must be one that you may write to") from None


@contextmanager
def new_key(path: Path) -> Iterator[Path]:
    """A temporary file beside ``path`` with a new random key, 0600 and on disk; gone when the block ends."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(handle)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def read_key(workspace: Workspace) -> bytes:
    """The key, from ``PAXFLOW_KEY`` or the key file; raises VaultError if there is none or it is weak or exposed."""
    given = os.environ.get("PAXFLOW_KEY")
    return _strong(given) if given else read_key_file(key_place(workspace))


def read_key_file(path: Path) -> bytes:
    """The key of one file; raises VaultError as ``read_key``."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise VaultError("others than its owner can read the key file: `chmod 600` it, or make a new key")
        return _strong(path.read_text(encoding="ascii"))
    except FileNotFoundError:
        raise VaultError(
            f"there is no key in {path}: make one with `paxflow key make`, or set PAXFLOW_KEY or PAXFLOW_KEY_FILE"
        ) from None
    except (OSError, UnicodeError):
        raise VaultError("the key file cannot be read: it must be a file of hex digits that you own") from None


def _strong(text: str) -> bytes:
    """The key that hex digits spell; raises VaultError if they do not, or it is no random one."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise VaultError(f"the key is not hexadecimal: it must be {2 * KEY_BYTES} hex digits or more") from None
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(key) < KEY_BYTES or len(set(key)) < MIN_DISTINCT or len(steps) < MIN_DISTINCT:
        raise VaultError(
            f"the key is weak: it must be {KEY_BYTES} random bytes or more (take it away, then `paxflow key make`)"
        )
    return key


def load_key(workspace: Workspace, sources: Iterable[Source]) -> bytes:
    """The key for these sources; raises VaultError as ``read_key``, and if real data met the published demo key."""
    key = read_key(workspace)
    if hmac.compare_digest(key, DEMO_KEY) and sample_digest(sources) != SAMPLE_DIGEST:
        raise VaultError(
            "the key is the published demo key, and the landing zone is not exactly the published sample: anybody "
            "could reverse its pseudonyms. Make a key of your own with `paxflow key make` and unset PAXFLOW_KEY"
        )
    return key


def key_id(key: bytes) -> str:
    """A public fingerprint of the key: says that two keys differ, tells nothing else."""
    return hmac.digest(key, b"paxflow/key id", "sha256").hex()[:16]


def sample_digest(sources: Iterable[Source]) -> str:
    """Digest of paths and bytes of a landing zone."""
    return digest(sorted((source.original_path, source.sha256) for source in sources))
