"""Releases in the layouts of published datasets, so that programs that read those read these.

layout           what a layout is: written from a release's tables and shards alone
mimic_cxr_jpg    MIMIC-CXR-JPG 2.0.0 (Johnson et al. 2019)         from classification
vindr_cxr        VinDr-CXR 1.0.0 (Nguyen et al. 2022)              from reader-boxes
padchest         PadChest (Bustos et al. 2020)                     from classification
paxray           PAXRay (Seibold et al. 2022)                      from paxray
rexrank          ReXrank (Zhang et al. 2024)                       from report-pairs
benchx           BenchX (Zhou et al. 2024)                         from classification and paxray
"""

from curation.errors import UsageError
from curation.layouts import benchx, mimic_cxr_jpg, padchest, paxray, rexrank, vindr_cxr
from curation.layouts.layout import Layout

LAYOUTS = {
    one.name: one
    for one in (
        mimic_cxr_jpg.LAYOUT,
        vindr_cxr.LAYOUT,
        padchest.LAYOUT,
        paxray.LAYOUT,
        rexrank.LAYOUT,
        benchx.LAYOUT,
    )
}


def layout_named(name: str) -> Layout:
    """The layout; raises UsageError with the names there are."""
    if name not in LAYOUTS:
        raise UsageError(f"there is no layout '{name}': there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]
