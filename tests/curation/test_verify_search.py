import gzip
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.deid.keys.identity import Identifier
from curation.deid.verify import spellings as verify_spellings
from curation.deid.verify.search import Search, Where
from curation.deid.verify.verifier import Promise, Verifier, verify_dicom, verify_text
from curation.errors import Rejected
from tests.curation.clean_bytes import (
    AMBIGUOUS,
    BASE,
    CLEAN,
    DELIMITER,
    HEAD,
    PIXELS,
    PROMISE,
    WORDS,
    broken,
    compressed,
    el,
    fragment,
    made,
    with_content,
    with_tag,
)

NAME = Identifier("name", "Quelbrand^Mirel")
NUMBER = Identifier("patient_id", "MRN40021234")


@pytest.fixture(autouse=True)
def _small_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify_spellings, "is_word", lambda token: token in WORDS)
    monkeypatch.setattr(verify_spellings, "is_ambiguous", lambda token: token in AMBIGUOUS)


def found(text: str, *identifiers: Identifier, charsets: tuple[str, ...] = ()) -> bool:
    """Whether one of the identifiers is found in a description; every one that text shows, text shows by itself."""
    return Search(identifiers, charsets).value(text.encode(), Where())


# --- spellings -------------------------------------------------------------------------------------------

SPELLED = [
    (NAME, ["QUELBRAND", "seen by mirel", "Dr.Quelbrand", "Quelbrand77", "x_Mirel_y", "QuelbrandMirel"]),
    (NAME, ["Mírèl", "Ｍｉｒｅｌ", "Mi\u00adrel", "Quel-\nbrand", "CT CHEST\\Mirel"]),
    (NUMBER, ["MRN40021234", "mrn 40021234", "MRN-400 21234", "40021234", "4002-1234", "(400) 21-234", "no.40021234."]),
    (NUMBER, ["４００２１２３４", "٤٠٠٢١٢٣٤"]),
    (Identifier("name", "O'Brien^Conor"), ["OBRIEN", "O'Brien", "o brien", "Conor"]),
    (Identifier("name", "Meyer-Zumbusch^Ada"), ["zumbusch", "MEYER", "MeyerZumbusch", "Ada Meyer-Zumbusch"]),
    (Identifier("name", "Müller^Jörg"), ["Müller", "MUELLER", "Muller", "joerg", "JORG"]),
    (Identifier("name", "Mueller^Ute"), ["Müller", "Mueller"]),
    (Identifier("name", "Strøm^Łukasz"), ["strom", "STRØM", "Lukasz"]),
    (Identifier("name", "Weiß^Eva"), ["WEISS", "weiß"]),
    (Identifier("name", "Li^Wei"), ["Li Wei", "WEI LI", "li^wei", "LiWei"]),
    (Identifier("name", "Tanabu^Taro=山田^太郎=やまだ^たろう"), ["Tanabu", "山田", "患者山田太郎さん", "やまだ"]),
    (Identifier("name", "王^小东"), ["小东", "王小东"]),
    (Identifier("clinician", "Dr. Imre Zoltanka, MD"), ["zoltanka", "Imre"]),
    (Identifier("birth_date", "19480304"), ["1948-03-04", "04.03.1948", "03/04/1948", "4 March 1948", "Mar 04, 1948"]),
    (Identifier("phone", "+49 555 1234567"), ["+49 555 1234567", "49-555-1234567", "1234567"]),
    (Identifier("address", "4032 Zumbula Street"), ["4032 Zumbula Street", "zumbula", "STREET"]),
    (Identifier("institution", "Zumbula General Hospital"), ["Zumbula", "hospital"]),
    (Identifier("other", "Lives next to the old mill"), ["lives next to the old mill", "Lives next to-the old mill"]),
    (Identifier("accession", "QUELB"), ["quelb"]),
    (Identifier("study_id", "4711"), ["exam 4711"]),
    (Identifier("uid", "1.2.826.77"), ["1.2.826.77"]),
]  # fmt: skip


@pytest.mark.parametrize(("identifier", "texts"), SPELLED)
def test_an_identifier_is_found_in_each_of_its_spellings(identifier: Identifier, texts: list[str]) -> None:
    assert [text for text in texts if not found(text, identifier)] == []


BY_RIGHT = [
    (NAME, ["Quelbranded", "amirel", "quel brand", "Mire l"]),
    (NUMBER, ["140021234", "400212345", "4 0 0 2 1 2 3"]),
    (Identifier("patient_id", "77123456"), ["77\\123456", "77 :    - 123456", "7712345"]),
    (Identifier("name", "Ann^Lee"), ["ann", "Lee", "annul lee"]),
    (Identifier("name", "Chest^Standard"), ["CHEST STANDARD", "ct chest", "MR CHEST", "Chest"]),
    (Identifier("name", "Anti^Do"), ["antidote"]),
    (Identifier("name", "Head山^X"), ["head"]),
    (Identifier("device", "CT 12"), ["CT 12 LUNG"]),
    (Identifier("other", "right upper lobe"), ["right upper lobe"]),
    (Identifier("institution", "Chest Lung"), ["chest lung"]),
    (Identifier("name", "Müller^X"), ["Müllers", "Vermüllert"]),
    (Identifier("other", "none"), ["none"]),
    (Identifier("order", "12"), ["12"]),
    (Identifier("birth_date", "00000000"), ["ct"]),
    (Identifier("birth_date", "1948"), ["04031948"]),
    (Identifier("uid", "1.2"), ["1.2"]),
    (Identifier("name", ""), ["ct"]),
]


@pytest.mark.parametrize(("identifier", "texts"), BY_RIGHT)
def test_what_may_stand_by_right_is_not_taken_for_an_identifier(identifier: Identifier, texts: list[str]) -> None:
    assert [text for text in texts if found(text, identifier)] == []


CHEST = Identifier("name", "Chest^Standard")


@pytest.mark.parametrize(
    "text",
    ["Dr. Chest", "mrs Chest", "Mr. chest", "CHEST^STANDARD", "patient: Chest", "Name:Standard", "Standard, Chest"],
)
def test_a_patient_called_like_a_word_of_the_field_is_found_where_a_name_stands(text: str) -> None:
    assert found(text, CHEST)
    verify_dicom(CLEAN, PROMISE, [CHEST])


def test_a_name_that_is_a_word_as_well_may_stand_as_a_coded_term_alone() -> None:
    patient = Identifier("name", "Hand^Imre")
    verify_dicom(with_tag(0x00180015, b"CS", b"HAND"), PROMISE, [patient])
    for text in (b"Dr. Hand", b"HAND^X", b"Imre"):
        assert broken(with_tag(0x00180015, b"CS", text), patient) == "identifier-in-header"
    assert broken(with_tag(0x00081030, b"LO", b"CT HAND"), patient) == "identifier-in-header"


def test_our_own_words_in_the_method_are_nobody() -> None:
    verify_dicom(CLEAN, PROMISE, [Identifier("name", "Paxflow^Profile")])
    assert (
        broken(with_tag(0x00120063, b"LO", b"by Dr. Paxflow"), Identifier("name", "Paxflow^P"))
        == "identifier-in-header"
    )


# --- where it stands -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [b"MIREL", b"mirel", b"Mirel, CHEST"])
def test_a_name_is_found_at_the_top_and_deep_below(text: bytes) -> None:
    verify_dicom(with_tag(0x00180015, b"CS", b"CHEST"), PROMISE, [NAME])
    assert broken(with_tag(0x00180015, b"CS", text), NAME) == "identifier-in-header"
    assert broken(with_content(el(0x0040A160, b"UT", text)), NAME) == "identifier-in-header"
    assert broken(with_tag(0x00431027, b"SH", text), NAME) == "identifier-in-header"


def test_a_number_that_stands_among_measures_and_codes_by_chance_is_none() -> None:
    short, long = Identifier("study_id", "113100"), Identifier("patient_id", "7712345")
    verify_dicom(CLEAN, PROMISE, [short, Identifier("order", "10008"), Identifier("order", "101112")])
    assert broken(with_tag(0x00200013, b"IS", b"7712345"), long) == "identifier-in-header"


def test_a_short_name_in_the_digits_of_a_pseudonym_is_none() -> None:
    data = with_tag(0x00120020, b"LO", b"p1face2345678901")
    verify_dicom(data, PROMISE, [Identifier("name", "Face^X")])
    assert broken(data, Identifier("patient_id", "p1face2345678901")) == "identifier-in-header"


def test_an_original_uid_of_our_own_root_is_found() -> None:
    original = Identifier("uid", BASE[0x0020000E][8:].decode().rstrip("\0"))
    assert broken(CLEAN, original) == "identifier-in-header"
    verifier = Verifier(PROMISE, frozenset())
    many = [original, *(Identifier("uid", f"1.2.3.{number}") for number in range(40))]
    for uids in ([original], many):
        with pytest.raises(Rejected, match="identifier-in-header"):
            verifier.dicom(HEAD, len(PIXELS), uids=uids)
    verifier.dicom(HEAD, len(PIXELS), uids=[Identifier("uid", original.value[:-1]), Identifier("uid", "")])
    verifier.dicom(HEAD, len(PIXELS), uids=many[1:])


# --- encodings -------------------------------------------------------------------------------------------

KANJI = Identifier("name", "Tanabu^Taro=山田^太郎")
CYRILLIC = Identifier("name", "Іванчук^Олесь")


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("shift", [0, 1])
def test_a_name_in_bytes_is_found_in_four_encodings(encoding: str, shift: int) -> None:
    planted = bytes(shift) + "Mirél".encode(encoding)
    assert broken(with_tag(0x00281201, b"OW", planted), NAME) == "identifier-in-header"


RAW = [
    (KANJI, "ISO 2022 IR 87", "iso2022_jp"),
    (KANJI, "ISO_IR 192", "utf-16-le"),
    (KANJI, "ISO_IR 144", "utf-16-be"),
    (KANJI, "ISO_IR 192", "utf-8"),
    (Identifier("name", "王^小东"), "GB18030", "gb18030"),
    (Identifier("name", "김^철수"), "ISO 2022 IR 149", "euc_kr"),
    (CYRILLIC, "ISO_IR 144", "iso8859-5"),
    (Identifier("name", "Łukasz^Żółć"), "ISO_IR 101", "iso8859-2"),
]


@pytest.mark.parametrize(("identifier", "charset", "encoding"), RAW)
def test_a_name_in_the_originals_own_character_set_is_found(
    identifier: Identifier, charset: str, encoding: str
) -> None:
    promise = Promise(PROMISE.options, ("", charset))
    part = identifier.value.split("=")[-1].split("^")[-1]
    data = with_tag(0x00281201, b"OW", part.encode(encoding))
    assert broken(data, identifier, promise=promise) == "identifier-in-header"


def test_a_name_that_was_decoded_wrongly_is_found() -> None:
    lost_escapes = "山田".encode("iso2022_jp").replace(b"\x1b$B", b"").replace(b"\x1b(B", b"").decode()
    assert found(f"CT {lost_escapes}", KANJI, charsets=("ISO 2022 IR 87",))
    assert found("小东".encode("gb18030").decode("latin-1"), Identifier("name", "王^小东"), charsets=("GB18030",))
    assert found("Mirél".encode().decode("latin-1"), Identifier("name", "Mirél^X"))
    assert not found("45° right", NAME)


# --- packed ----------------------------------------------------------------------------------------------


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


STREAMS = {
    "zlib": zlib.compress(b"seen: Mirel Quelbrand"),
    "zlib further on": b"HEADER.." + zlib.compress(b"seen: Mirel Quelbrand", 9),
    "zlib with a small window": zlib.compress(b"seen: Mirel Quelbrand", wbits=9),
    "zlib, cut short": zlib.compress(b"seen: Mirel Quelbrand " + bytes(range(256)) * 8)[:-20],
    "gzip": gzip.compress(b"seen: Mirel Quelbrand"),
    "gzip further on": b"IMAGE" + gzip.compress(b"seen: Mirel Quelbrand"),
    "deflate": raw_deflate(b"seen: Mirel Quelbrand"),
    "zlib in gzip": gzip.compress(zlib.compress(b"seen: Mirel Quelbrand")),
    "UTF-16 in zlib": zlib.compress("seen: Mirel Quelbrand".encode("utf-16-le")),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_a_name_in_a_stream_is_found(kind: str) -> None:
    stream = STREAMS[kind]
    for filler in (b"", bytes(5000)):
        data = with_tag(0x00281201, b"OW", stream + filler)
        assert broken(data, NAME) == "identifier-in-header"
    verify_dicom(with_tag(0x00281201, b"OW", stream), PROMISE, [NUMBER])


# --- pixels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_long_name_at_an_edge_of_the_pixels_is_found_and_further_in_when_asked(encoding: str) -> None:
    planted = "QUELBRAND".encode(encoding)
    for at in (0, 101, 8000, 92_000, 99_900):
        pixels = bytearray(100_000)
        pixels[at : at + len(planted)] = planted
        with pytest.raises(Rejected, match="identifier-in-pixels"):
            Verifier(PROMISE, frozenset({NAME})).pixels(bytes(pixels)[:100_000])
    inside = bytes((1 << 20) - 9) + planted + bytes(50_001)
    Verifier(PROMISE, frozenset({NAME})).pixels(inside)
    with pytest.raises(Rejected, match="identifier-in-pixels"):
        Verifier(PROMISE, frozenset({NAME})).pixels(inside, whole=True)
    assert broken(made(pixels=inside), NAME) == "identifier-in-pixels"


def test_short_names_and_nobody_at_all_are_not_searched_in_pixels() -> None:
    Verifier(PROMISE, frozenset({NAME})).pixels(b"mirel" * 100)
    Verifier(PROMISE, frozenset({Identifier("name", "Mirel^X")})).pixels(b"mirel" * 100)
    Verifier(PROMISE, frozenset()).pixels(PIXELS)
    verify_dicom(CLEAN, PROMISE, [])


def test_long_letters_beyond_ascii_and_numbers_are_found_in_pixels() -> None:
    name = Identifier("name", "Åbafogudeñö^X")
    for encoding in ("utf-8", "latin-1"):
        assert (
            broken(made(pixels=bytes(9) + name.value[:-2].encode(encoding) + bytes(3)), name) == "identifier-in-pixels"
        )
    assert broken(made(pixels=bytes(8) + b"40021234"), NUMBER) == "identifier-in-pixels"
    verify_dicom(made(pixels=bytes(8) + b"MIRELMIRELXX"), PROMISE, [NAME])


def test_a_name_in_a_fragment_and_in_a_stream_in_it_is_found() -> None:
    for planted in (b"\xff\xd8 Quelbrand.", b"\xff\xd8\xff\xfe" + zlib.compress(b"Quelbrand, Mirel ") + bytes(8)):
        data = compressed(fragment(b""), fragment(planted + bytes(len(planted) % 2)), DELIMITER)
        assert broken(data, NAME) == "identifier-in-pixels"


# --- text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["seen: QUELBRAND.", "Mirel was here", "id 40021234,", "(MRN-400 21234)", "Quel-\nbrand"]
)
def test_an_identifier_in_a_text_is_found(text: str) -> None:
    with pytest.raises(Rejected, match="identifier-in-text") as caught:
        verify_text(text, [NAME, NUMBER])
    assert caught.value.detail == "rule identifier-in-text"


@pytest.mark.parametrize("text", ["Quelbranded", "140021234", "nothing here", "[MIREL-3f] came", "[QUELBRAND]"])
def test_a_part_of_another_word_or_a_surrogate_is_no_identifier(text: str) -> None:
    verify_text(text, [NAME, NUMBER])


def test_a_word_of_a_place_may_stand_in_a_text_but_not_its_whole_name() -> None:
    place = Identifier("institution", "Zumbula General Hospital")
    verify_text("in the general hospital, near Zumbula", [place])
    with pytest.raises(Rejected):
        verify_text("from ZUMBULA  general hospital", [place])


@settings(max_examples=100, deadline=None)
@given(
    st.text(max_size=40), st.text(max_size=20), st.sampled_from(["name", "patient_id", "address", "birth_date", "uid"])
)
def test_any_text_and_identifier_end_as_a_result(text: str, value: str, kind: str) -> None:
    try:
        verify_text(text, [Identifier(kind, value)])
    except Rejected:
        assert value.strip()


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("abcdefgxyzéß0123456789 -"), min_size=8, max_size=20), st.binary(max_size=20))
def test_a_name_of_eight_letters_is_found_wherever_it_stands_alone(value: str, around: bytes) -> None:
    name = "zuqelbra" + "".join(filter(str.isalpha, value))
    search = Search([Identifier("name", f"{name}^X")])
    planted = b"\0 " + name.upper().encode() + b" \0"
    assert search.binary(around + planted, Where())
    assert search.bulk(bytes(5000) + planted + around)
