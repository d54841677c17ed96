"""Pictures of a release in tar shards, by split: ``images/train-00003-of-00008.tar``.

Which shard a picture is in follows from a hash of its name, so that a new picture changes one shard and no other, until
there are so many that the number of shards doubles; and a pass over a shard is a pass in random order.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from curation.store import Place, ShardWriter

SHARD_FILES = 1000
"""Pictures that a shard has at most, on average."""


@dataclass(frozen=True)
class Member:
    """A picture to be stored, and how to read it when its turn comes."""

    file_name: str
    split: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Shards:
    """Writes shards below the folder of a release."""

    root: Path

    def write(self, folder: str, members: Iterable[Member]) -> Mapping[str, Place]:
        """Write all pictures of one folder at once; where each lies, by file name, relative to the release."""
        by_split: dict[str, list[Member]] = defaultdict(list)
        for member in members:
            by_split[member.split].append(member)
        placed: dict[str, Place] = {}
        for split, own in sorted(by_split.items()):
            count = shard_count(len(own))
            buckets: dict[int, list[Member]] = defaultdict(list)
            for member in own:
                buckets[bucket(member.file_name, count)].append(member)
            for number, inside in sorted(buckets.items()):
                name = f"{folder}/{split}-{number:05d}-of-{count:05d}.tar"
                writer = ShardWriter(self.root / name, name)
                for member in sorted(inside, key=lambda member: member.file_name):
                    placed[member.file_name] = writer.add(member.file_name, member.read())
                writer.close()
        return placed


def shard_count(n_files: int) -> int:
    """The smallest power of two of shards that hold ``SHARD_FILES`` each on average."""
    count = 1
    while n_files > count * SHARD_FILES:
        count *= 2
    return count


def bucket(name: str, count: int) -> int:
    """The shard of a name among ``count``, a power of two: when they double, half of a shard's names stay."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little") % count
