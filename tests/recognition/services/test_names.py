"""Names: what looks the same is the same, and no spelling is lost."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceplatform.core.errors import DomainError
from recognition.services.names import clean_name

FAMILY = "\U0001f469\u200d\U0001f467"
HEART = "\u2764\ufe0f\u200d\U0001f525"
ALI_REZA = "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"
SINHALA = "\u0dc1\u0dca\u200d\u0dbb\u0dd3"
PROPER = ("Ann", "Zo\u00eb", ALI_REZA, SINHALA, FAMILY, HEART, "\U0001f469\U0001f3fd")
CHARACTERS = st.characters() | st.sampled_from("\u200c\u200d\u0dca\u0639\ufe0f\u2764\u0308e ")


@pytest.mark.parametrize(
    "name", ["Ann", "Zo\u00eb", ALI_REZA, SINHALA, FAMILY, HEART, "\U0001f469\U0001f3fd"]
)
def test_a_proper_name_stays_as_it_is(name: str) -> None:
    assert clean_name(name, limit=20) == name


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("  Ann \t Lee\n", "Ann Lee"),
        ("Ann\u00a0Lee", "Ann Lee"),
        ("Ann\u202f\u2003Lee", "Ann Lee"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("Zoe\u200d\u0308", "Zo\u00eb"),
        ("A\u200dnn", "Ann"),
        ("\u200cAnn\u200d", "Ann"),
        ("A\u00adn\u200bn\ufeff", "Ann"),
        ("Ann \u200e Lee", "Ann Lee"),
        ("pho\u202egpj.exe", "phogpj.exe"),
    ],
)
def test_what_cannot_be_seen_makes_no_other_name(given_name: str, kept: str) -> None:
    assert clean_name(given_name, limit=20) == kept


@pytest.mark.parametrize(
    "name", ["", " \u00a0 ", "\u202e", "\u200d", "A\0nn", "A\x07nn", "A\x9bnn", "A\ud800", "x" * 21]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(DomainError) as error:
        clean_name(name, limit=20)
    assert (error.value.code, error.value.status) == ("name_invalid", 400)


@given(
    st.text(
        st.characters() | st.sampled_from("\u200c\u200d\u0dca\u0639\ufe0f\u2764\u0308e "),
        max_size=30,
    )
)
def test_a_cleaned_name_is_clean(text: str) -> None:
    try:
        name = clean_name(text, limit=100)
    except DomainError:
        return
    assert clean_name(name, limit=100) == name
    assert name == unicodedata.normalize("NFC", name).strip()
