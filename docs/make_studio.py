"""Make the pictures of ``docs/annotators.md``: each form in a real Label Studio, ``python docs/make_studio.py``.

Writes ``docs/images/studio-<task>.png``. The image is the public sample's CT, projected; the report is made up. The
server is one of its own on loopback, in a folder that is kept for the next time.
"""

import argparse
import base64
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import make_projection as sample
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFont
from playwright.sync_api import Page, sync_playwright

from curation import rle
from curation.records import Task
from labeling.asking.asked import Form
from labeling.asking.forms import form_of
from labeling.asking.layout import HUES, OTHERS_HUE
from labeling.marks import Mark
from labeling.studio.client import Server
from labeling.studio.local import USER, Home, down, up
from labeling.studio.results import to_results
from projection.measure import film
from projection.views import Shown

IMAGES = Path(__file__).resolve().parent / "images"
WINDOW = (1440, 900)
FURTHER_HUES = ("#cc79a7", "#4c5fa9")  # bones among boxes; what is chosen, and buttons
MASKS = ("heart", "posterior 9th rib right", "left hemidiaphragm", "aortic arch", "nodule")
REPORT = """CLINICAL HISTORY: Cough for two weeks.

COMPARISON: None.

FINDINGS: The heart is mildly enlarged. Rounded opacity in the left upper zone, which may be a nodule. Small left \
pleural effusion with adjacent atelectasis. No pneumothorax. Degenerative changes of the thoracic spine. A port \
catheter ends near the cavoatrial junction.

IMPRESSION: Possible nodule in the left upper zone; a CT is suggested. Small left effusion. Pneumonia cannot be \
excluded."""
SPANS = (
    ("cardiomegaly", "present", "heart is mildly enlarged"),
    ("lung_opacity", "present", "Rounded opacity"),
    ("lung_nodule", "uncertain", "nodule"),
    ("pleural_effusion", "present", "left pleural effusion"),
    ("atelectasis", "present", "atelectasis"),
    ("pneumothorax", "absent", "pneumothorax"),
    ("degenerative_change", "present", "Degenerative changes"),
    ("port_catheter", "present", "port catheter"),
    ("pneumonia", "uncertain", "Pneumonia"),
)
STATES = {
    "No Finding": "absent",
    "Cardiomegaly": "present",
    "Lung Lesion": "uncertain",
    "Lung Opacity": "present",
    "Pneumonia": "uncertain",
    "Atelectasis": "present",
    "Pneumothorax": "absent",
    "Pleural Effusion": "present",
    "Support Devices": "present",
}
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Case:
    """One form with one case in it."""

    form: Form
    data: Mapping[str, str]
    marks: Sequence[Mark]


# --- cases -----------------------------------------------------------------------------------------------


def cases(seen: Shown) -> Iterator[Case]:
    """One of each task."""
    partners = seen.pictures.partners
    pictures = {
        "image": url(seen.pictures.film),
        "bone": url(partners["bone_only"]),
        "lung": url(partners["lung_only"]),
    }
    size = (seen.pose.size_px, seen.pose.size_px)
    yield label_review()
    yield mask_review(seen, pictures, size)
    yield finding_boxes(seen, pictures, size)
    image = {"image": pictures["image"]}
    answers = {"view": "PA", "orientation": "right way round", "flaws": "anatomy cut off", "usable": "with limits"}
    yield Case(
        form_of(Task.QUALITY_CHECK),
        {"reasons": "The shoulders and the lower chest are cut by the end of the CT", **image},
        [Mark(question, (answer,)) for question, answer in answers.items()],
    )
    yield measurement_review(seen, image, size)
    yield Case(
        form_of(Task.PHI_REVIEW),
        {"reasons": "Something at the upper left may be text", "image": url(stamped(seen.pictures.film))},
        [Mark("decision", ("text",))],
    )


def label_review() -> Case:
    """The made-up report with what a program found in it."""
    form = form_of(Task.LABEL_REVIEW, ("lung_nodule", "pneumonia", "pleural_effusion", "atelectasis"))
    marks = []
    for number, (finding, assertion, words) in enumerate(SPANS):
        start = REPORT.index(words)
        span, region = (start, start + len(words)), f"span{number}"
        marks += [Mark("finding", (finding,), region, span), Mark("assertion", (assertion,), region, span)]
    study = [question.name for question in form.questions[2:]]
    marks += [Mark(name, (STATES.get(name, "not mentioned"),)) for name in study]
    return Case(form, {"reasons": "Lung nodule is hedged; pneumonia is hedged", "text": REPORT}, marks)


def mask_review(seen: Shown, pictures: Mapping[str, str], size: tuple[int, int]) -> Case:
    """Projected masks."""
    marks = [Mark("mask", (label,), label, rle=seen.footprints[label].rle, size=size) for label in MASKS]
    texts = {
        "reasons": "A mask is cut by the end of the CT",
        "flawed": "Posterior 9th rib right: cut by the border",
    }
    return Case(
        form_of(Task.MASK_REVIEW, MASKS), {**texts, **pictures}, [*marks, Mark("verdict", ("masks corrected",))]
    )


def finding_boxes(seen: Shown, pictures: Mapping[str, str], size: tuple[int, int]) -> Case:
    """With the report beside the image."""
    boxes = {"Nodule/Mass": box_of(seen, "nodule", 12), "Cardiomegaly": box_of(seen, "heart", 0)}
    marks = [Mark("box", (label,), label, box=box, size=size) for label, box in boxes.items()]
    texts = {"reasons": "The report hedges: lung lesion", "report": REPORT}
    form = form_of(Task.FINDING_BOXES, shows_report=True)
    return Case(form, {**texts, **pictures}, [*marks, Mark("global", ("Other diseases",))])


def measurement_review(seen: Shown, image: Mapping[str, str], size: tuple[int, int]) -> Case:
    """Landmarks of the cardiothoracic ratio and of the carina, as measured."""
    rows, columns = size
    masks = {label: sample.mask_of(seen, label) for label in film.LABELS if label in seen.footprints}
    readings = film.measure(masks, "PA", seen.pose.pixel_mm, rle.decode(seen.coverage, rows, columns))
    taken = [reading for reading in readings if reading.measure in ("cardiomegaly", "carina_angle")]
    marks = [
        Mark("landmark", (reading.measure,), f"{reading.measure}{number}", point_px=(point.x, point.y), size=size)
        for reading in taken
        for number, point in enumerate(reading.landmarks)
    ]
    ratio = next(reading.value for reading in taken if reading.measure == "cardiomegaly")
    angle = next(reading.value for reading in taken if reading.measure == "carina_angle")
    texts = {
        "reasons": "Cardiothoracic ratio: drawn at random, to check the program",
        "measured": f"Cardiothoracic ratio {ratio:.2f}, limit 0.5; carina angle {angle:.0f}°",
    }
    form = form_of(Task.MEASUREMENT_REVIEW, [reading.measure for reading in taken])
    return Case(form, {**texts, **image}, [*marks, Mark("verdict", ("negative",))])


def box_of(seen: Shown, label: str, around: int) -> Box:
    """x, y, width and height of a mask, with some pixels around it."""
    ys, xs = np.nonzero(sample.mask_of(seen, label))
    x, y = int(xs.min()) - around, int(ys.min()) - around
    return (x, y, int(xs.max()) + 1 + around - x, int(ys.max()) + 1 + around - y)


def stamped(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """With faint made-up letters burned in."""
    made = Image.fromarray(grey)
    ImageDraw.Draw(made).text((60, 24), "PORTABLE  ROOM 7", fill=92, font=ImageFont.load_default(26))
    return np.asarray(made)


def url(grey: NDArray[np.uint8]) -> str:
    """A picture as a data URL."""
    held = io.BytesIO()
    Image.fromarray(grey).save(held, "PNG")
    return "data:image/png;base64," + base64.b64encode(held.getvalue()).decode()


# --- server and browser ----------------------------------------------------------------------------------


@contextmanager
def server_in(folder: Path) -> Iterator[tuple[Home, str]]:
    """A Label Studio that is up."""
    home = Home(folder)
    running = up(home, None, print, unseen)
    try:
        yield home, running.url
    finally:
        down(home)


def unseen(done: int, total: int) -> None:
    """The steps in which a new database is made are not shown."""


def ask(server: Server, case: Case, size: tuple[int, int]) -> int:
    """A new project that asks one case."""
    form = case.form
    project_id = server.create_project(
        {"title": form.title, "label_config": form.config, "expert_instruction": form.instruction}
    )
    results = to_results(case.marks, form, size)
    prediction = {"model_version": "paxflow", "score": 0.5, "result": results}
    list(server.add_tasks(project_id, [{"data": dict(case.data), "predictions": [prediction]}]))
    return project_id


@contextmanager
def logged_in(home: Home, url: str) -> Iterator[Page]:
    """A page of Debian's Chromium, where the coordinator has logged in."""
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": WINDOW[0], "height": WINDOW[1]})
        page.goto(f"{url}/user/login")
        page.fill("input[name=email]", USER)
        page.fill("input[name=password]", home.password.read_text(encoding="ascii").strip())
        page.click("button[type=submit]")
        page.wait_for_load_state()
        yield page
        browser.close()


def draw(page: Page, url: str, task: Task) -> None:
    """What a reader sees, as a PNG with a palette."""
    page.goto(url)
    page.wait_for_selector(".px-row")
    page.wait_for_timeout(3000)  # masks and pictures come after the page
    if task is Task.LABEL_REVIEW:
        page.click(".htx-highlight >> text=nodule")
        page.wait_for_timeout(500)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shot.quantize(palette=palette(), dither=Image.Dither.NONE).save(IMAGES / f"studio-{task}.png", optimize=True)


def palette() -> Image.Image:
    """80 greys, and each colour pure, light as on a label, and over ten greys as in a mask."""
    colours = [(round(255 * grey / 79),) * 3 for grey in range(80)]
    for hue in (*HUES, OTHERS_HUE, *FURTHER_HUES):
        pure = np.array(ImageColor.getrgb(hue)[:3])
        shades = [(1.0, 0), (0.15, 255), (0.35, 255), *((0.4, grey) for grey in range(0, 256, 28))]
        colours += [tuple(np.rint(share * pure + (1 - share) * grey).astype(int).tolist()) for share, grey in shades]
    made = Image.new("P", (1, 1))
    made.putpalette([part for colour in colours for part in colour])
    return made


def main(arguments: Sequence[str]) -> None:
    """All six."""
    temporary = Path(tempfile.gettempdir())
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, default=temporary / "paxflow-wheels", help="the sample's wheels")
    parser.add_argument("--home", type=Path, default=temporary / "paxflow-docs-studio", help="folder of the server")
    given = parser.parse_args(arguments)
    body, mark = sample.read_sample(given.wheels)
    seen = sample.project(body, mark, {}, ("PA",)).views["PA"]
    size = (seen.pose.size_px, seen.pose.size_px)
    with (
        server_in(given.home) as (home, address),
        Server(home.connection(address)) as server,
        logged_in(home, address) as page,
    ):
        for case in cases(seen):
            draw(page, f"{address}/projects/{ask(server, case, size)}/data?labeling=1", case.form.task)


if __name__ == "__main__":
    main(sys.argv[1:])
