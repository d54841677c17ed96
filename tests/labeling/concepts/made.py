"""RRF files of made-up concepts: a small one whose every row has a reason, and one of any size."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import numpy as np

# No row is of the UMLS: ids, sources and words are invented.
# CUI, LAT, TS, STT, ISPREF, AUI, SAB, TTY, CODE, STR, SUPPRESS
TERMS = [
    ("C9000001", "ENG", "P", "PF", "Y", "A1", "SRCA", "PT", "a-1", "Blorbic fluid", "N"),
    ("C9000001", "ENG", "S", "PF", "Y", "A2", "SRCB", "PT", "b-1", "Fluid, blorbic", "N"),
    ("C9000001", "ENG", "S", "VO", "N", "A3", "SRCB", "SY", "b-1", "blorbic  Fluid", "N"),
    ("C9000001", "GER", "P", "PF", "Y", "A4", "SRCA", "PT", "a-1", "Blorbische Flüssigkeit", "N"),
    ("C9000001", "ENG", "S", "PF", "Y", "A5", "SRCA", "OP", "a-1", "blorbic water", "O"),
    ("C9000002", "ENG", "P", "PF", "Y", "A6", "SRCA", "PT", "a-2", "Fluid", "N"),
    ("C9000003", "ENG", "P", "PF", "Y", "A7", "SRCA", "PT", "a-3", "Zanthum collapse", "N"),
    ("C9000003", "ENG", "S", "PF", "Y", "A8", "SRCB", "AB", "b-3", "ALL", "N"),
    ("C9000004", "ENG", "P", "PF", "Y", "A9", "SRCB", "PT", "b-4", "Zanthum", "N"),
    ("C9000005", "ENG", "P", "PF", "Y", "A10", "SRCB", "PT", "b-5", "zanthum", "N"),
    ("C9000006", "ENG", "P", "PF", "Y", "A11", "SRCA", "PT", "a-6", 'The "quoted" sign', "N"),
    ("C9000007", "ENG", "P", "PF", "Y", "A12", "SRCA", "PT", "a-7", "Disorder of the zanthum", "N"),
]
TYPES = [
    ("C9000001", "T046", "Pathologic Function"),
    ("C9000002", "T031", "Body Substance"),
    ("C9000003", "T047", "Disease or Syndrome"),
    ("C9000004", "T023", "Body Part, Organ, or Organ Component"),
    ("C9000005", "T028", "Gene or Genome"),
    ("C9000006", "T033", "Finding"),
    ("C9000007", "T047", "Disease or Syndrome"),
]
# CUI1, REL, CUI2, RELA, SAB, SUPPRESS
RELATIONS = [
    ("C9000001", "PAR", "C9000002", "inverse_isa", "SRCA", "N"),
    ("C9000002", "CHD", "C9000001", "isa", "SRCA", "N"),  # the same, said from the other side
    ("C9000003", "PAR", "C9000007", "", "SRCB", "N"),
    ("C9000004", "PAR", "C9000007", "part_of", "SRCB", "N"),  # not a kind of
    ("C9000006", "PAR", "C9000007", "", "SRCB", "O"),  # obsolete
    ("C9000004", "PAR", "C9000005", "", "SRCB", "N"),
    ("C9000005", "PAR", "C9000004", "", "SRCB", "N"),  # a cycle
    ("C9000001", "PAR", "C9000001", "", "SRCA", "N"),  # itself
    ("C9000001", "PAR", "C9999999", "", "SRCA", "N"),  # no such concept
    ("C9000004", "SY", "C9000005", "", "SRCA", "N"),
    ("C9000004", "RO", "C9000005", "finding_site_of", "SRCA", "N"),
]
# CUI, AUI, PAUI, SAB, RELA
HIERARCHY = [
    ("C9000006", "A11", "A12", "SRCA", "isa"),
    ("C9000007", "A12", "", "SRCA", ""),
    ("C9000001", "A1", "A7", "SRCA", "part_of"),
]


def conso(cui: str, lat: str, ts: str, stt: str, ispref: str, aui: str, *rest: str) -> str:
    sab, tty, code, string, suppress = rest
    return f"{cui}|{lat}|{ts}|L|{stt}|S|{ispref}|{aui}||||{sab}|{tty}|{code}|{string}|0|{suppress}||\n"


def lines() -> dict[str, list[str]]:
    """The lines of each file of the small UMLS."""
    return {
        "MRCONSO": [conso(*row) for row in TERMS],
        "MRSTY": [f"{cui}|{tui}|B|{sty}|AT1||\n" for cui, tui, sty in TYPES],
        "MRREL": [
            f"{a}||CUI|{rel}|{b}||CUI|{rela}|R1||{sab}|{sab}|||{sup}||\n" for a, rel, b, rela, sab, sup in RELATIONS
        ],
        "MRHIER": [f"{cui}|{aui}|1|{paui}|{sab}|{rela}||||\n" for cui, aui, paui, sab, rela in HIERARCHY],
    }


def small_umls(folder: Path, zipped: bool = False, **more: Iterable[str]) -> Path:
    """The small UMLS as files; ``more`` are further lines of a file."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, rows in lines().items():
        data = "".join([*rows, *more.get(table, ())]).encode("utf-8", "surrogateescape")
        path = folder / f"{table}.RRF"
        if zipped:
            path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data, 1))
        else:
            path.write_bytes(data)
    return folder


def big_umls(folder: Path, n_terms: int, seed: int = 0) -> Path:
    """MRCONSO of ``n_terms`` rows, with types, relations and hierarchy as many as the UMLS has for them."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    syllables = np.array([a + b for a in "bcdfghjklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "or", "ith")])
    sizes = draw.integers(1, 5, max(n_terms // 20, 100))
    words = ["".join(draw.choice(syllables, size).tolist()) for size in sizes]
    n_concepts = max(n_terms // 4, 1)  # 17 million terms, 4 million concepts
    concepts = [f"C{row * n_concepts // n_terms:07}" for row in range(n_terms)]
    with (folder / "MRCONSO.RRF").open("w") as file:
        counts = np.minimum(1 + draw.exponential(2.5, n_terms).astype(int), 20)
        chosen = iter((len(words) * draw.random(int(counts.sum())) ** 3).astype(int).tolist())
        sources, others = draw.integers(0, 100, n_terms).tolist(), draw.random((2, n_terms))
        for row, (cui, count) in enumerate(zip(concepts, counts.tolist(), strict=True)):
            string = " ".join([words[next(chosen)] for _ in range(count)]).capitalize()
            first = "N" if row and concepts[row - 1] == cui else "Y"
            language, suppress = "ENG" if others[0, row] < 0.7 else "SPA", "O" if others[1, row] < 0.05 else "N"
            ranked = (cui, language, "P" if first == "Y" else "S", "PF", first, f"A{row}")
            file.write(conso(*ranked, f"SRC{sources[row]}", "PT", f"{row}", string, suppress))
    with (folder / "MRSTY.RRF").open("w") as file:
        for number, tui in enumerate(draw.choice((47, 46, 33, 23, 61, 28, 121), n_concepts).tolist()):
            file.write(f"C{number:07}|T{tui:03}|B|x|AT||\n")
    with (folder / "MRREL.RRF").open("w") as file:
        kinds = ("PAR|{}|A|AUI|inverse_isa", "RO|{}|A|AUI|has_part", "SY|{}|A|AUI|", "RB|{}|A|AUI|")
        pairs = np.sort(draw.integers(0, n_concepts, (3 * n_terms, 2)), axis=1).tolist()
        for (high, low), kind in zip(pairs, draw.integers(0, 4, 3 * n_terms).tolist(), strict=True):
            file.write(f"C{low:07}|A|AUI|{kinds[kind].format(f'C{high:07}')}|R1||SRC1|SRC1|||N||\n")
    with (folder / "MRHIER.RRF").open("w") as file:
        for row, cui in enumerate(concepts):
            file.write(f"{cui}|A{row}|1|A{row // 10}|SRC1|isa||||\n")
    return folder
