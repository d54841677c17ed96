"""Pseudonyms: a key, and what follows from it.

Everything is a keyed hash (HMAC-SHA-256) of the original under a domain, so that any process on any day gives the same
answer and there is no map to lose. Without the key a pseudonym can neither be reversed nor guessed at by trying.
Sources: RFC 2104 (HMAC); DICOM PS3.5 B.2 (UIDs under 2.25); PS3.15 E.3.6 (dates moved by one shift per patient).
"""

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from curation.errors import VaultError
from curation.records import Source
from curation.settings import DeidSettings
from curation.store import digest
from curation.workspace import Workspace

KEY_BYTES = 32
MIN_DISTINCT = 12  # of 32 random bytes about 30 differ; fewer than 12 has a chance below 1e-12
DEMO_KEY = hashlib.sha256(b"paxflow: the published key of the published sample; for nothing else").digest()
SAMPLE_DIGEST = "31b431b6527946d9c549a388efb692596e187f0b93eb989062b27e142464b1f0"
"""``sample_digest`` of the published sample: the only landing zone that ``DEMO_KEY`` is accepted for."""


class Identifier(NamedTuple):
    """A value that identifies someone, and what it is: the kind may be shown, the value never."""

    kind: str
    value: str


@dataclass(frozen=True)
class Identity:
    """Turns originals into pseudonyms. An empty original gives an empty pseudonym."""

    key: bytes
    max_shift_days: int
    oldest_age_years: int

    def uid(self, original: str) -> str:
        """A UID under 2.25, from 128 bits of the hash: at most 44 characters."""
        return f"2.25.{int.from_bytes(self._mac('uid', original)[:16], 'big')}" if original else ""

    def patient(self, original: str) -> str:
        """``p`` and 16 hex digits, for a PatientID with its issuer (see ``patient_key``)."""
        return self._name("p", "patient", original, 16)

    def accession(self, original: str) -> str:
        """``a`` and 15 hex digits: the 16 characters that an AccessionNumber (SH) may have."""
        return self._name("a", "accession", original, 15)

    def report(self, collection: str, original: str) -> str:
        """``r`` and 16 hex digits; reports of two collections never share one."""
        return self._name("r", f"report/{collection}", original, 16)

    def reader(self, original: str) -> str:
        """``d`` and 16 hex digits, for whoever read."""
        return self._name("d", "reader", original, 16)

    def thing(self, letter: str, domain: str, original: str) -> str:
        """``letter`` and 16 hex digits, for what has no identifier of its own kind in DICOM."""
        return self._name(letter, domain, original, 16)

    def shift_days(self, original_patient: str) -> int:
        """By how many days the patient's dates move back: 1 to ``max_shift_days``."""
        number = int.from_bytes(self._mac("shift", original_patient)[:8], "big")
        return 1 + number % self.max_shift_days

    def shift(self, original_patient: str, day: date | None) -> date | None:
        """A date moved back by the patient's shift; None if there is none, or it would fall before year 1."""
        try:
            return day and day - timedelta(days=self.shift_days(original_patient))
        except OverflowError:
            return None

    def _name(self, letter: str, domain: str, original: str, digits: int) -> str:
        return letter + self._mac(domain, original).hex()[:digits] if original else ""

    def _mac(self, domain: str, original: str) -> bytes:
        return hmac.digest(self.key, f"paxflow/{domain}\0{original}".encode("utf-8", "surrogatepass"), "sha256")


def patient_key(patient_id: str, issuer: str) -> str:
    """PatientID with its issuer, as one string: the same number from two issuers is two patients."""
    patient_id, issuer = patient_id.strip(), issuer.strip()
    return f"{issuer}/{patient_id}" if issuer and patient_id else patient_id


def identity(workspace: Workspace, settings: DeidSettings) -> Identity:
    """The identity that this workspace's key and parameters make."""
    return Identity(read_key(workspace), settings.max_shift_days, settings.oldest_age_years)


# --- the key ---------------------------------------------------------------------------------------------


def key_path(vault: Path) -> Path:
    """Where the key file lies: ``PAXFLOW_KEY_FILE``, or ``key`` in the vault."""
    given = os.environ.get("PAXFLOW_KEY_FILE")
    return Path(given) if given else vault / "key"


def make_key(path: Path) -> None:
    """Write a new random key that its owner alone can read; raises VaultError if there is a file already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise VaultError("there is a key already: a new one would give every patient a second pseudonym") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(handle)


def read_key(workspace: Workspace) -> bytes:
    """The key, from ``PAXFLOW_KEY`` or the key file; raises VaultError if there is none or it is weak or exposed."""
    text = os.environ.get("PAXFLOW_KEY") or _read_key_file(workspace)
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        raise VaultError(f"the key is not hexadecimal: it must be {2 * KEY_BYTES} hex digits or more") from None
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(key) < KEY_BYTES or len(set(key)) < MIN_DISTINCT or len(steps) < MIN_DISTINCT:
        raise VaultError(f"the key is weak: it must be {KEY_BYTES} random bytes or more (`paxflow key make`)")
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


def _read_key_file(workspace: Workspace) -> str:
    path = key_path(workspace.vault)
    if path.resolve().is_relative_to(workspace.root.resolve()):
        raise VaultError("the key file must lie outside the workspace: git, DVC and backups must never see it")
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise VaultError("others than its owner can read the key file: `chmod 600` it, or make a new key")
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        raise VaultError("there is no key: make one with `paxflow key make`, or set PAXFLOW_KEY") from None
    except (OSError, UnicodeError):
        raise VaultError("the key file cannot be read: it must be a file of hex digits that you own") from None
