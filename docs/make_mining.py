"""Make the picture of ``docs/mining.md``: ``python docs/make_mining.py``.

Two invented reports as ``paxflow mine show`` has them, with one finding clicked, in a headless Chromium. Writes
``docs/images/mining-report.png``.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flows.mining import show_file
from tests.browser import chromium

PICTURE = Path(__file__).resolve().parent / "images" / "mining-report.png"
WIDTH_PX, MARGIN_PX = 1200, 12
CLICKED = "nodule"
REPORTS = {
    "invented-1": (
        "EXAM: Chest, two views\nINDICATION: Fever; pneumonia?\nCOMPARISON: One week earlier.\n\n"
        "FINDINGS: The heart is not enlarged. The pleural effusion on the left is smaller than a week ago. There is an "
        "8 mm nodule in the right upper lobe, which is new. Neither pneumothorax nor edema. The tip of a right PICC "
        "projects over the lower SVC.\n\n"
        "IMPRESSION: 1. Smaller left effusion. 2. Atelectasis; early pneumonia at the left base is not excluded. "
        "3. New nodule on the right, for which CT is advised."
    ),
    "invented-2": (
        "FINDINGS: Since the prior film the right pneumothorax has resolved. Three old rib fractures on the right. "
        "Mild, unchanged scoliosis. Bones otherwise intact.\n\n"
        "IMPRESSION: If the fever persists, CT may show an abscess. Her mother had lung cancer."
    ),
}


def main() -> None:
    """The reports, their page, and its picture."""
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        source, target = Path(folder, "reports.jsonl"), Path(folder, "page.html")
        lines = (json.dumps({"id": name, "text": text}) for name, text in REPORTS.items())
        source.write_text("\n".join(lines), encoding="utf-8")
        show_file(source, target, (), len(REPORTS))
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": 900})
        page.goto(target.as_uri())
        page.locator("mark", has_text=CLICKED).first.click()
        top = page.locator("#reports h1").bounding_box()["y"] - MARGIN_PX
        last = page.locator("#reports article").last.bounding_box()
        clip = {"x": 0, "y": top, "width": WIDTH_PX, "height": last["y"] + last["height"] + MARGIN_PX - top}
        page.screenshot(path=PICTURE, clip=clip, full_page=True)


if __name__ == "__main__":
    main()
