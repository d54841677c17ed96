"""Burned-in text: it goes from any kind of pixels, and everything else stays as it was, to the bit."""

from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Picture
from PIL import ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import (
    MPEG2MPML,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    RLELossless,
)

from curation.deid import frames as store
from curation.deid.markers import is_marker, patterns
from curation.deid.pixels import Area, CleanPixels, Decision, Doubt, Image, Palette, Screen, clean_pixels, decode
from curation.deid.redaction import blank, line_of
from curation.deid.rle import packed
from curation.deid.screen import joined
from curation.deid.visible import planes
from curation.errors import Rejected
from curation.records import Reason

NAME = "KADU, LIMOZA"
BOX = np.s_[45:60, 33:143]
"""Where ``NAME`` stands in 16 px from (32, 42)."""
AREA = Area(None, 28, 38, 124, 24)
MONOCHROME = Image(ExplicitVRLittleEndian, 96, 192, 1, 1, 16, 12, False, "MONOCHROME2", 0)
Pixels = NDArray[Any]


def anatomy(rows: int = 96, columns: int = 192, seed: int = 0) -> Pixels:
    """A slope and noise, 12 bits."""
    noise = np.random.default_rng(seed).normal(0, 8, (rows, columns))
    return (500 + np.linspace(0, 300, columns)[None] + noise).astype(np.uint16)


def written(
    pixels: Pixels, text: str = NAME, ink: int = 4000, at: tuple[int, int] = (32, 42), size: int = 16
) -> Pixels:
    mask = Picture.new("L", (pixels.shape[1], pixels.shape[0]))
    ImageDraw.Draw(mask).text(at, text, fill=255, font=ImageFont.load_default(size=size))
    cover = (np.asarray(mask) / 255).reshape(pixels.shape[:2] + (1,) * (pixels.ndim - 2))
    return (pixels * (1 - cover) + ink * cover).astype(pixels.dtype)


def after(image: Image, clean: CleanPixels) -> Pixels:
    """The clean pixels, decoded."""
    assert clean.value is not None
    described = replace(image, syntax=clean.syntax, photometric=clean.photometric, planar=clean.planar)
    return decode(described, clean.value)


def is_gone(before: Pixels, now: Pixels) -> bool:
    """Whether nothing in the box of the name reminds of it, and outside of its surroundings nothing has changed."""
    same = before == now
    same[36:70, 20:160] = True
    return bool(np.ptp(now[BOX].reshape(-1, *now.shape[2:]), axis=0).max() == 0 and same.all())


# --- kinds of pixels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "change"),
    [
        (MONOCHROME, lambda pixels: pixels),
        (replace(MONOCHROME, photometric="MONOCHROME1"), lambda pixels: 4095 - pixels),
        (replace(MONOCHROME, bits_stored=16, signed=True), lambda pixels: pixels.astype(np.int16) - 1024),
        (replace(MONOCHROME, bits_allocated=8, bits_stored=8), lambda pixels: (pixels >> 4).astype(np.uint8)),
        (replace(MONOCHROME, bits_allocated=32, bits_stored=32), lambda pixels: pixels.astype(np.uint32) << 12),
    ],
    ids=["12 bits", "inverted", "signed", "8 bits", "32 bits"],
)
def test_native_text_goes(image: Image, change: Callable[[Pixels], Pixels]) -> None:
    pixels = change(written(anatomy()))
    clean = clean_pixels(image, pixels.tobytes(), None)
    assert is_gone(pixels, after(image, clean)[0])
    assert (clean.syntax, clean.photometric, clean.doubts) == (image.syntax, image.photometric, ())
    assert all(area.frame == 0 for area in clean.removed)


@pytest.mark.parametrize("planar", [0, 1])
def test_coloured_text_as_bright_as_its_ground_goes(planar: int) -> None:
    image = replace(MONOCHROME, samples=3, bits_allocated=8, bits_stored=8, photometric="RGB", planar=planar)
    pixels = np.full((96, 192, 3), 76, np.uint8)
    pixels = np.stack([written(pixels[..., 0], ink=255), *(written(pixels[..., c], ink=0) for c in (1, 2))], axis=2)
    stored = pixels.transpose(2, 0, 1) if planar else pixels
    clean = clean_pixels(image, stored.tobytes(), None)
    assert is_gone(pixels, after(image, clean)[0]) and clean.planar == planar


def test_text_goes_from_luma_and_chroma() -> None:
    image = replace(MONOCHROME, samples=3, bits_allocated=8, bits_stored=8, photometric="YBR_FULL")
    luma = written((anatomy() >> 4).astype(np.uint8), ink=250)
    pixels = np.stack([luma, np.full_like(luma, 128), np.full_like(luma, 128)], axis=2)
    assert is_gone(pixels, after(image, clean_pixels(image, pixels.tobytes(), None))[0])


def test_pixels_that_share_their_colour_are_stored_each_with_its_own() -> None:
    image = replace(MONOCHROME, samples=3, bits_allocated=8, bits_stored=8, photometric="YBR_FULL_422")
    luma = written((anatomy() >> 4).astype(np.uint8), ink=250).reshape(96, 96, 2)
    stored = np.concatenate([luma, np.full((96, 96, 2), 128, np.uint8)], axis=2)
    clean = clean_pixels(image, stored.tobytes(), None)
    assert clean.photometric == "YBR_FULL"
    assert is_gone(decode(image, stored.tobytes())[0], after(image, clean)[0])


def test_text_that_only_the_palette_shows_goes() -> None:
    ramp = np.arange(256, dtype=np.uint16) * 20
    ramp[201] = 65535
    palette = Palette(0, *(ramp.tobytes(),) * 3)
    image = replace(MONOCHROME, bits_allocated=8, bits_stored=8, photometric="PALETTE COLOR", palette=palette)
    pixels = np.full((96, 192), 200, np.uint8)
    pixels[written(np.zeros_like(pixels), ink=255) > 100] = 201
    clean = clean_pixels(image, pixels.tobytes(), None)
    assert set(np.unique(after(image, clean))) == {200}
    assert clean_pixels(replace(image, palette=Palette(0, b"", b"", b"")), pixels.tobytes(), None).value is not None


def test_of_run_length_coded_frames_only_the_touched_are_coded_anew() -> None:
    image = replace(MONOCHROME, syntax=RLELossless, frames=3)
    pixels = [anatomy(seed=1), written(anatomy(seed=2)), anatomy(seed=3)]
    parts = [packed(frame) for frame in pixels]
    clean = clean_pixels(image, store.enclosed(parts), None)
    assert clean.value is not None and clean.syntax == RLELossless
    now = list(generate_frames(clean.value, number_of_frames=3))
    assert (now[0], now[2]) == (parts[0], parts[2]) and now[1] != parts[1]
    assert is_gone(pixels[1], after(image, clean)[1])


def compressed(pixels: Pixels, form: str, **options: Any) -> bytes:
    buffer = BytesIO()
    Picture.fromarray(pixels).save(buffer, form, **options)
    data = buffer.getvalue()
    return encapsulate([data[data.index(b"\xff\x4f\xff\x51") :] if form == "JPEG2000" else data])


def test_a_touched_jpeg_is_stored_native_in_the_colours_it_had() -> None:
    image = replace(MONOCHROME, syntax=JPEGBaseline8Bit, samples=3, bits_allocated=8, bits_stored=8,
                    photometric="YBR_FULL_422")  # fmt: skip
    grey = (anatomy() >> 4).astype(np.uint8)
    pixels = written(np.stack([grey + 60, grey, grey], axis=2), ink=250)
    clean = clean_pixels(image, compressed(pixels, "JPEG", quality=95), None)
    assert (clean.syntax, clean.photometric) == (ExplicitVRLittleEndian, "RGB")
    now = after(image, clean)[0]
    assert np.ptp(now[BOX], axis=(0, 1)).max() == 0
    assert np.abs(now[80:].astype(int) - pixels[80:]).mean() < 4


def test_a_touched_jpeg_2000_is_stored_native() -> None:
    image = replace(MONOCHROME, syntax=JPEG2000Lossless, bits_stored=16)
    pixels = written(anatomy())
    clean = clean_pixels(image, compressed(pixels, "JPEG2000", no_jp2=True), None)
    assert clean.syntax == ExplicitVRLittleEndian
    assert is_gone(pixels, after(image, clean)[0])


# --- what stays ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("image", [MONOCHROME, replace(MONOCHROME, frames=12)], ids=["one frame", "a film"])
def test_pixels_without_text_pass_untouched(image: Image) -> None:
    value = b"".join(anatomy(seed=number).tobytes() for number in range(image.frames))
    assert clean_pixels(image, value, None) == CleanPixels(None, image.syntax, "MONOCHROME2", 0)


@pytest.mark.parametrize("text", ["AP ERECT", "R", "120 kVp 5.0 mAs", "DLP 231.0 mGy cm"])
def test_a_marker_stays(text: str) -> None:
    assert clean_pixels(MONOCHROME, written(anatomy(), text).tobytes(), None).value is None


def test_no_areas_means_no_look() -> None:
    assert clean_pixels(MONOCHROME, b"not even pixels", ()).value is None


def test_outside_of_an_area_nothing_is_looked_for() -> None:
    image = replace(MONOCHROME, rows=160)
    pixels = written(written(anatomy(160)), "2011-04-13", at=(90, 130))
    now = after(image, clean_pixels(image, pixels.tobytes(), (AREA, Area(None, 500, 500, 9, 9))))[0]
    assert np.ptp(now[BOX]) == 0
    assert np.array_equal(now[90:], pixels[90:])


MARKERS = ["L", "ap", "PA", "LAT", "ERECT", "AP ERECT", "APSUPINE", "PORTABLE", "120 kVp", "kVp: 110", "2.5mAs",
           "CTDIvol 6.42 mGy  DLP 231.0", "CTDlvol: 6.42mGy", "W 1500 L -600", "WW: 400 WL: 40", "Se: 3", "Im: 12/133",
           "10 cm", "5mm", "Zoom 1.5x", "TR: 4500 ms", "MI 1.4", "28 Hz", "64%"]  # fmt: skip
IDENTIFYING = ["12/03/1978", "1978-03-12", "19780312", "12:45", "KADU", "R KADU", "MRN 1234", "123456", "12345678 mm",
               "R 1978", "PAL", "RAL", "AP 12/03", "10 12 1978", "L 3 12", "120 kVp Kadu", "Im: KADU", "ID 12",
               "Se: 12345", ""]  # fmt: skip


@pytest.mark.parametrize("text", MARKERS)
def test_what_identifies_nobody_is_on_the_allow_list(text: str) -> None:
    assert is_marker(text)


@pytest.mark.parametrize("text", IDENTIFYING)
def test_names_dates_times_and_numbers_are_not(text: str) -> None:
    assert not is_marker(text)


@given(st.text("0123456789 /-:.", min_size=6, max_size=12).filter(lambda text: sum(map(str.isdigit, text)) >= 6))
def test_bare_digits_are_never_markers(text: str) -> None:
    assert not is_marker(text)


def test_each_pattern_says_why() -> None:
    assert all(pattern and len(reason) > 3 for pattern, reason in patterns())


# --- series and films ------------------------------------------------------------------------------------


def series(n: int, texts: dict[int, str], ink: int = 4000) -> list[bytes]:
    """Slices whose bright disc moves, with texts on some."""
    y, x = np.mgrid[0:96, 0:192]
    made = []
    for number in range(n):
        pixels = anatomy(seed=number)
        pixels[(x - 150 + 2 * number) ** 2 + (y - 60) ** 2 < 400] = 3000
        made.append(written(pixels, texts[number], ink=ink) if number in texts else pixels)
    return [pixels.tobytes() for pixels in made]


def screened(slices: list[bytes]) -> tuple[Area, ...]:
    screen = Screen()
    for value in slices:
        screen.add(MONOCHROME, value)
    return screen.areas()


@pytest.mark.parametrize(
    ("texts", "ink"),
    [(dict.fromkeys(range(6), NAME), 4000), (dict.fromkeys(range(6), NAME), 0), ({3: NAME}, 1500)],
    ids=["bright on all", "dark on all", "on one"],
)
def test_a_series_shows_its_text_in_one_look(texts: dict[int, str], ink: int) -> None:
    slices = series(6, texts, ink)
    areas = screened(slices)
    assert any(
        area.x <= 34 and area.y <= 46 and area.x + area.width >= 130 and area.y + area.height >= 54 for area in areas
    )
    cleans = [clean_pixels(MONOCHROME, value, areas) for value in slices]
    assert [number for number, clean in enumerate(cleans) if clean.value is not None] == list(texts)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_series_without_text_has_no_areas(n: int) -> None:
    assert screened(series(n, {})) == ()


def test_slices_of_two_sizes_are_looked_at_apart() -> None:
    screen = Screen()
    screen.add(MONOCHROME, series(1, {0: NAME})[0])
    screen.add(replace(MONOCHROME, rows=64, columns=64), anatomy(64, 64).tobytes())
    assert len(screen.areas()) == 1


def test_frames_of_a_film_may_each_say_something_else() -> None:
    image = replace(MONOCHROME, frames=10)
    value = b"".join(series(10, {2: NAME, 5: "MRN 4415823", 9: NAME}))
    clean = clean_pixels(image, value, None)
    assert {area.frame for area in clean.removed} == {2, 5, 9}
    before, now = decode(image, value), after(image, clean)
    assert [np.array_equal(before[number], now[number]) for number in range(10)].count(False) == 3
    assert now.max() < 3500


def test_areas_that_touch_are_one() -> None:
    boxes = [(0, 0, 10, 10), (100, 0, 10, 10), (15, 0, 10, 10), (28, 0, 65, 10), (0, 50, 5, 5)]
    assert [area.box for area in joined(boxes)] == [(0, 0, 110, 10), (0, 50, 5, 5)]


# --- doubts ----------------------------------------------------------------------------------------------


def scribble() -> Pixels:
    """Looks like a line of text, and says nothing: the letters are crossed out."""
    pixels = written(anatomy())
    pixels[48:53:2, 30:150] = 4000
    return pixels


def judged(decision: Decision | None, regions: tuple[Area, ...] = ()) -> CleanPixels:
    return clean_pixels(MONOCHROME, scribble().tobytes(), None, regions, lambda _: decision)


def test_what_cannot_be_read_is_a_doubt_with_a_picture_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.deid.pixels._SURE", 1.1)
    pixels = written(anatomy()).tobytes()
    clean = clean_pixels(MONOCHROME, pixels, None)
    assert clean.value is None and len(clean.doubts) == 1
    (doubt,) = clean.doubts
    assert doubt.crop.shape == (doubt.area.height, doubt.area.width) and np.ptp(doubt.crop) == 255
    assert doubt.area.frame == 0 and doubt.score >= 0.8
    decided: list[Doubt] = []

    def no_text(one: Doubt) -> Decision:
        decided.append(one)
        return "no_text"

    assert clean_pixels(MONOCHROME, pixels, None, decided=no_text) == replace(clean, doubts=())
    assert np.array_equal(decided[0].crop, doubt.crop) and decided[0].area == doubt.area
    assert is_gone(
        written(anatomy()), after(MONOCHROME, clean_pixels(MONOCHROME, pixels, None, decided=lambda _: "text"))[0]
    )
    outside, inside = (Area(None, 0, 70, 192, 26),), (Area(0, 0, 0, 192, 96),)
    assert clean_pixels(MONOCHROME, pixels, None, outside).removed
    assert clean_pixels(MONOCHROME, pixels, None, inside).doubts


def test_what_is_still_there_after_three_removals_is_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("curation.deid.pixels.blank", lambda frame, box, typical: None)
    clean = clean_pixels(MONOCHROME, written(anatomy()).tobytes(), (AREA,))
    assert len(clean.removed) == 3 and len(clean.doubts) == 1


# --- removal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("turned", [False, True])
def test_a_line_is_followed_to_its_end(turned: bool) -> None:
    rib = anatomy()
    rib[:, 90:110] += 600
    pixels = written(rib, "KADU LIMOZA 1978", ink=1800)
    found, whole = (30, 40, 55, 22), line_of(pixels, (30, 40, 55, 22))
    if turned:
        y, x, height, width = line_of(pixels.T, (40, 30, 22, 55))
        whole = (x, y, width, height)
    assert whole[0] < found[0] and whole[1] < found[1]
    assert whole[0] + whole[2] >= 165


def test_a_line_ends_where_its_ink_does() -> None:
    pixels = written(written(anatomy(columns=400)), at=(280, 42))
    x, _, width, _ = line_of(pixels, (34, 42, 100, 20))
    assert x > 20 and x + width < 165


@pytest.mark.parametrize(
    ("box", "typical", "values"),
    [((2, 2, 3, 3), False, {7}), ((2, 2, 3, 3), True, {5}), ((0, 0, 9, 9), False, {7})],
    ids=["median", "most frequent", "the whole frame"],
)
def test_a_box_gets_a_value_of_what_is_around_it(
    box: tuple[int, int, int, int], typical: bool, values: set[int]
) -> None:
    frame = np.full((9, 9), 7, np.int16)
    if typical:
        frame[:5], frame[5:, ::2] = 5, 5
    x, y, width, height = box
    blank(frame, box, typical=typical)
    assert set(np.unique(frame[y : y + height, x : x + width])) == values


# --- decoding --------------------------------------------------------------------------------------------


def opened(name: str) -> tuple[Image, bytes, pydicom.Dataset]:
    dataset = pydicom.dcmread(str(get_testdata_file(name, download=False)))
    image = Image(
        str(dataset.file_meta.TransferSyntaxUID), dataset.Rows, dataset.Columns, dataset.SamplesPerPixel,
        int(dataset.get("NumberOfFrames", 1)), dataset.BitsAllocated, dataset.BitsStored,
        bool(dataset.PixelRepresentation), dataset.PhotometricInterpretation, dataset.get("PlanarConfiguration", 0),
    )  # fmt: skip
    return image, dataset.PixelData, dataset


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("MR_small_RLE.dcm", "MR_small.dcm"),
        ("MR_small_jp2klossless.dcm", "MR_small.dcm"),
        ("MR_small_jpeg_ls_lossless.dcm", "MR_small.dcm"),
        ("SC_rgb_rle_32bit_2frame.dcm", None),
        ("SC_rgb_jpeg_gdcm.dcm", "SC_rgb_small_odd.dcm"),
        ("J2K_pixelrep_mismatch.dcm", None),
        ("SC_jpeg_no_color_transform.dcm", None),
        ("JPEG2000.dcm", None),
    ],
)
def test_code_streams_decode_as_pydicom_decodes_them_or_their_original(name: str, same_as: str | None) -> None:
    image, value, dataset = opened(name)
    decoded = decode(image, memoryview(value))
    if name == "SC_rgb_jpeg_gdcm.dcm":  # lossless JPEG, for which pydicom has no decoder here: red, green and blue
        assert decoded.shape == (1, 100, 100, 3) and set(np.unique(decoded)) >= {0, 255}
        return
    expected = opened(same_as)[2].pixel_array if same_as else dataset.pixel_array
    assert np.array_equal(decoded.reshape(expected.shape), expected)


def test_12_bit_lossy_jpeg_decodes() -> None:
    image, value, _ = opened("JPGExtended.dcm")
    assert image.syntax == JPEGExtended12Bit
    assert decode(image, value).max() == 264


def refused(image: Image, value: bytes) -> Reason:
    with pytest.raises(Rejected) as refusal:
        decode(image, value)
    return refusal.value.reason


@pytest.mark.parametrize(
    "image",
    [
        replace(MONOCHROME, rows=60_000, columns=60_000),
        replace(MONOCHROME, frames=10**9),
        replace(MONOCHROME, bits_allocated=12),
        replace(MONOCHROME, bits_allocated=1, bits_stored=1),
        replace(MONOCHROME, bits_stored=17),
        replace(MONOCHROME, samples=4),
        replace(MONOCHROME, rows=0),
        replace(MONOCHROME, samples=3, planar=2),
        replace(MONOCHROME, samples=3, columns=191, bits_allocated=8, bits_stored=8, photometric="YBR_FULL_422"),
        replace(MONOCHROME, syntax=MPEG2MPML),
    ],
)
def test_what_cannot_be_decoded_in_bounds_is_refused(image: Image) -> None:
    assert refused(image, encapsulate([bytes(100)])) is Reason.UNSUPPORTED_OBJECT


@pytest.mark.parametrize(
    ("image", "value", "reason"),
    [
        (MONOCHROME, bytes(96 * 192 * 2 - 1), Reason.TRUNCATED),
        (replace(MONOCHROME, syntax=RLELossless), b"", Reason.UNREADABLE),
        (replace(MONOCHROME, syntax=RLELossless, frames=2), encapsulate([bytes(64)]), Reason.TRUNCATED),
        (replace(MONOCHROME, syntax=RLELossless), encapsulate([bytes(60)]), Reason.TRUNCATED),
        (replace(MONOCHROME, syntax=RLELossless), encapsulate([bytes(64)]), Reason.UNREADABLE),
        (
            replace(MONOCHROME, syntax=RLELossless),
            encapsulate([np.array([2, 64, 64, *[0] * 13], "<u4").tobytes() + b"\x80\x80"]),
            Reason.TRUNCATED,
        ),
        (replace(MONOCHROME, syntax=JPEG2000Lossless), encapsulate([b"\xff\x4f\xff\x51"]), Reason.UNREADABLE),
        (replace(MONOCHROME, syntax=JPEG2000Lossless), encapsulate([b"no stream "]), Reason.UNREADABLE),
        (replace(MONOCHROME, syntax=JPEGBaseline8Bit), encapsulate([b"\xff\xd8\xff\xff\xd9\0"]), Reason.UNREADABLE),
        (replace(MONOCHROME, syntax=JPEGBaseline8Bit), encapsulate([b"\xff\xd8\xff\xe0\0\2\0\0"]), Reason.UNREADABLE),
    ],
)
def test_pixels_that_are_not_what_the_header_says_are_refused(image: Image, value: bytes, reason: Reason) -> None:
    assert refused(image, value) is reason


def test_a_code_stream_that_ends_after_its_header_is_refused() -> None:
    image, value, _ = opened("JPEG2000.dcm")
    (part,) = generate_frames(value, number_of_frames=1)
    assert refused(image, encapsulate([part[:130]])) is Reason.UNREADABLE


def test_a_code_stream_of_another_size_is_refused_before_it_is_decoded() -> None:
    image, value, _ = opened("JPEG2000.dcm")
    assert refused(replace(image, rows=image.rows + 1), value) is Reason.UNREADABLE


def test_a_jpeg_of_more_scans_than_any_picture_needs_is_refused() -> None:
    image = replace(MONOCHROME, syntax=JPEGBaseline8Bit, bits_allocated=8, bits_stored=8)
    (part,) = generate_frames(compressed((anatomy() >> 4).astype(np.uint8), "JPEG"), number_of_frames=1)
    assert decode(image, encapsulate([part])).shape == (1, 96, 192)
    assert refused(image, encapsulate([part + b"\xff\xda" * 101])) is Reason.UNREADABLE


CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=5)
STREAMS = {name: opened(name)[:2] for name in ("MR_small_RLE.dcm", "SC_rgb_jpeg_dcmtk.dcm", "JPEG2000.dcm")}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(STREAMS)), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=5), st.data()
)
def test_any_change_of_a_code_stream_ends_as_pixels_or_a_refusal(
    name: str, changes: list[tuple[float, int]], data: st.DataObject
) -> None:
    image, value = STREAMS[name]
    changed = bytearray(value)
    for where, byte in changes:
        changed[int(where**3 * (len(changed) - 1))] = byte
    cut = data.draw(st.integers(0, len(changed)))
    try:
        assert decode(image, bytes(changed[:cut] if cut % 2 else changed)).shape[1:3] == (image.rows, image.columns)
    except Rejected as refusal:
        assert refusal.reason in (Reason.TRUNCATED, Reason.UNREADABLE)


@settings(max_examples=40)
@given(st.sampled_from([np.uint8, np.uint16, np.int16, np.uint32]), st.integers(1, 9), st.integers(1, 9), st.data())
def test_run_length_coding_gives_back_what_went_in(kind: type, rows: int, columns: int, data: st.DataObject) -> None:
    dtype = np.dtype(kind)
    bits = dtype.itemsize * 8
    image = replace(MONOCHROME, syntax=RLELossless, rows=rows, columns=columns, bits_allocated=bits, bits_stored=bits,
                    signed=dtype.kind == "i")  # fmt: skip
    raw = data.draw(st.binary(min_size=rows * columns * dtype.itemsize, max_size=rows * columns * dtype.itemsize))
    frame = np.frombuffer(raw, dtype).reshape(rows, columns)
    assert np.array_equal(decode(image, store.enclosed([packed(frame)]))[0], frame)


def test_bits_above_the_stored_ones_are_not_looked_at() -> None:
    pixels = anatomy() | np.uint16(0xA000)
    (plane,) = planes(MONOCHROME, pixels)
    assert np.array_equal(plane, anatomy())
