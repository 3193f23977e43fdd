"""Bytes that strangers send -> text, in the charsets of documents only. Pure, in linear time.

Python knows more codecs, and some are attacks: ``punycode`` takes time that grows with the square of the
length (3 MiB: a quarter of an hour, during which nothing else of the process runs), ``idna`` likewise.
"""

from __future__ import annotations

from encodings import normalize_encoding
from encodings.aliases import aliases
from typing import Final

LONGEST_NAME: Final = 40
_DOCUMENTS: Final = """
    ascii utf_8 utf_8_sig utf_16 utf_16_be utf_16_le utf_32 utf_32_be utf_32_le
    latin_1 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_6 iso8859_7 iso8859_8 iso8859_9 iso8859_10
    iso8859_11 iso8859_13 iso8859_14 iso8859_15 iso8859_16 tis_620
    cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp874
    koi8_r koi8_t koi8_u kz1048 ptcp154 mac_cyrillic mac_roman mac_latin2 mac_greek mac_turkish
    cp437 cp737 cp775 cp850 cp852 cp855 cp857 cp858 cp866 cp1125
    gb18030 gbk hz big5 big5hkscs cp950 cp932 shift_jis shift_jis_2004 shift_jisx0213
    euc_jp euc_jis_2004 euc_jisx0213 euc_kr cp949 johab
    iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext iso2022_kr
"""
DOCUMENTS: Final = frozenset(_DOCUMENTS.split())
"""By Python's names: the others are no charsets of pages, feeds and letters."""
ALSO: Final = {
    "gb2312": "gb18030",
    "win_1251": "cp1251",
    "win1251": "cp1251",
    "cp_1251": "cp1251",
    "x_cp1251": "cp1251",
    "windows1251": "cp1251",
    "windows_874": "cp874",
    "windows_31j": "cp932",
    "iso_8859_8_i": "iso8859_8",
    "unicode_1_1_utf_8": "utf_8",
    "x_mac_cyrillic": "mac_cyrillic",
    "x_sjis": "cp932",
    "x_gbk": "gbk",
    "x_euc_jp": "euc_jp",
}
"""What documents write that Python does not know, or knows as a smaller one."""


def charset_of(name: str) -> str | None:
    """Python's name of a charset for documents, by any of its names; None: there is none of this name.

    Nothing is looked up in the registry of codecs, which remembers for ever whatever name it is asked for.
    """
    name = name.strip().strip("\"'")
    if not name or len(name) > LONGEST_NAME or not name.isascii():
        return None
    known = normalize_encoding(name.lower())
    known = aliases.get(known) or aliases.get(known.replace(".", "_")) or known
    known = ALSO.get(known, known)
    return known if known in DOCUMENTS else None


def decoded(body: bytes, name: str) -> str:
    """Text in the charset ``name``, or in UTF-8 where there is none such; what is wrong becomes U+FFFD."""
    return body.decode(charset_of(name) or "utf-8", "replace")


def header_charset(content_type: str) -> str:
    """The charset that a ``Content-Type`` names, in lower case; empty where it names none."""
    return content_type.lower().partition("charset=")[2].partition(";")[0].strip().strip("\"'")
