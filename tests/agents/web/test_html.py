"""HTML as text: what is visible, nothing that hides or misleads, and no document that takes long to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.html import MOST_TAGS, SLICE_LENGTH, TAG, USUAL_LENGTH, USUAL_TAGS, plain_text, slices


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>a<p>b", "a\nb"),
        ("a<script>alert('<p>x')</script><style>p{}</style><template>t</template>b", "ab"),
        (
            "<p>a<p hidden>b<p style='DISPLAY: None'>c<p>d<span style='x:y;display:none'>e</span>",
            "a\nd",
        ),
        ("Сбер\u00adбанк", "Сбербанк"),
        ("<b>Сбер&shy;банк</b>", "Сбербанк"),
        ("<i>\u202eкнаб</i> &#x202e;\x00\x07\ufeff.", "кнаб ."),
        ("👨\u200d👩\u200d👧 <b>😀</b>", "👨\u200d👩\u200d👧 😀"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("<!-- a --><![CDATA[b]]>c", "c"),
        ("<img src=x onerror=alert(1)>a<iframe src=//evil.example>b</iframe>", "a"),
        ("<a href='javascript:alert(1)'>link</a>", "link"),
        ("a\x00<b>\x00b", "ab"),
    ],
)
def test_only_what_is_visible(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text())
def test_any_text_survives_its_escaping(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", " ")
    assert plain_text(f"<p>{escaped}</p>") == plain_text(f"{escaped} &shy;")


N = 50_000
HOSTILE = {
    "deep": "<div>" * N,
    "deep and hidden": "<div hidden>" * N,
    "formatting that is opened again in each paragraph": "".join(f"<b a={n}><p>" for n in range(N)),
    "as many attributes": "<p " + "".join(f"a{n}=b " for n in range(2 * N)) + ">",
    "attributes behind a quoted >": '<p a=">" ' + "".join(f"a{n} " for n in range(2 * N)) + ">",
    "tables in tables": "<table><tr><td>" * N,
    "open tags": "<a " * N,
    "open comments": "<!--" * N,
    "open quotes": '<a b="' * N,
    "angles": "<" * N * 5,
    "entities": "&#x" * N + "&amp" * N,
    "blanks": " \n" * N * 5 + "&",
}


@pytest.mark.parametrize("name", list(HOSTILE))
def test_no_document_takes_long(name: str) -> None:
    """What the parser gets at once is small; as a whole most of these would take it minutes."""
    for piece in slices(HOSTILE[name] + "x"):
        assert len(piece) <= USUAL_LENGTH
        assert len(TAG.findall(piece)) <= USUAL_TAGS
    plain_text(HOSTILE[name] + "x")


def test_long_texts_are_whole() -> None:
    paragraphs = [f"абзац {number} & <слово>" for number in range(5000)]
    html = "".join(
        f"<p>{each.replace('&', '&amp;').replace('<', '&lt;')} <b>да</b></p>" for each in paragraphs
    )
    assert plain_text(html) == "\n".join(f"{each} да" for each in paragraphs)
    words = "слово " * SLICE_LENGTH
    assert plain_text(f"<p>{words}</p>").split() == words.split()


def test_a_picture_within_the_page_is_no_text() -> None:
    picture = f"<img alt='x' src='data:image/png;base64,{'A' * 300_000}'>"
    assert plain_text(f"<p>до {picture} после</p>" * 3) == "\n".join(["до после"] * 3)


def test_there_is_an_end_to_tags() -> None:
    text = plain_text("".join(f"<p>{number}" for number in range(MOST_TAGS + 1000)))
    assert text.splitlines()[-1] == str(MOST_TAGS - 1)
