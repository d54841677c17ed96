"""An optional crosswalk from originals to pseudonyms, encrypted, in the vault only.

Pseudonyms need no map. Where a hospital must be able to reach a patient again, after an incidental finding for one, a
batch may leave one part in ``crosswalk/`` of the vault: append-only, read by nothing but ``lookup``.

    magic and version, 5 bytes | key id, 8 | nonce, 12 | AES-256-GCM of JSON rows, its tag at the end

The encryption key is derived from the paxflow key under a domain of its own; what stands before the ciphertext and the
part's name are authenticated with it, so a part can be neither changed nor put in another's place. A part that is
deleted is not missed: access to the vault is the guard against that.
Sources: NIST SP 800-38D (GCM; random nonces, far fewer than 2**32 parts a key); RFC 5869 (HKDF).
"""

import hmac
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from curation.deid.keys.key import key_id
from curation.errors import IntegrityError
from curation.store import atomic

MAGIC = b"PAXC\1"
_ID_BYTES, _NONCE_BYTES = 8, 12
_HEAD_BYTES = len(MAGIC) + _ID_BYTES + _NONCE_BYTES


@dataclass(frozen=True, order=True)
class Link:
    """One original and its pseudonym; ``kind`` is patient, study, series, instance, report, accession or site."""

    kind: str
    original: str
    pseudonym: str


def write_part(vault: Path, key: bytes, name: str, rows: Iterable[Link]) -> None:
    """Write the links of one batch as one part; nothing happens if these links are there already under this name.

    A part is never replaced: where a batch is done again and comes out otherwise, it leaves a second one. Raises
    IntegrityError if the part is there and was changed.
    """
    plain = json.dumps([astuple(link) for link in sorted(set(rows))], separators=(",", ":")).encode("ascii")
    mark = hmac.digest(key, b"paxflow/crosswalk part\0" + plain, "sha256").hex()[:16]
    path = vault / "crosswalk" / f"{name}-{mark}.part"
    if path.exists():
        _opened(path, {_mark(key): key})
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    head = MAGIC + _mark(key) + os.urandom(_NONCE_BYTES)
    sealed = _cipher(key).encrypt(head[-_NONCE_BYTES:], plain, _bound(head, path))
    with atomic(path) as temporary:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(head + sealed)


def lookup(vault: Path, key: bytes, pseudonym: str, retired: Iterable[bytes] = ()) -> list[Link]:
    """Every link to a pseudonym, each once, sorted; parts that an earlier key made open with the ``retired`` keys.

    Raises IntegrityError, with the name of the part only, for one that no key at hand opens or that was changed.
    """
    keys = {_mark(known): known for known in (*retired, key)}
    found: set[Link] = set()
    for path in sorted((vault / "crosswalk").glob("*.part")):
        plain = _opened(path, keys)
        if json.dumps(pseudonym).encode("ascii") in plain:  # parsing costs more than decrypting
            found |= {link for row in json.loads(plain) if (link := Link(*row)).pseudonym == pseudonym}
    return sorted(found)


def _opened(path: Path, keys: Mapping[bytes, bytes]) -> bytes:
    """The plain bytes of a part."""
    data = path.read_bytes()
    head = data[:_HEAD_BYTES]
    if len(head) < _HEAD_BYTES or not head.startswith(MAGIC):
        raise IntegrityError(f"crosswalk part {path.stem}: it is cut short, or no part of a crosswalk")
    key = keys.get(head[len(MAGIC) : -_NONCE_BYTES])
    if key is None:
        raise IntegrityError(f"crosswalk part {path.stem}: it was made with a key that is not here")
    try:
        return _cipher(key).decrypt(head[-_NONCE_BYTES:], data[_HEAD_BYTES:], _bound(head, path))
    except InvalidTag:
        raise IntegrityError(f"crosswalk part {path.stem}: it was changed, renamed or cut short") from None


def _bound(head: bytes, path: Path) -> bytes:
    """What is authenticated beside the rows."""
    return head + path.name.encode()


def _mark(key: bytes) -> bytes:
    return bytes.fromhex(key_id(key))


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=b"paxflow/crosswalk").derive(key))
