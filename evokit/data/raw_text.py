"""Text as its source has it, made ready for reading: what is missing, marks of byte order, halves of characters."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

BYTE_ORDER_MARK = "\ufeff"
_OTHER_MARKS = {codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


def read_text(path: Path) -> str:
    """The text of a UTF-8 file without a byte order mark, its line ends as ``\\n``.

    Raises:
        ValueError: It cannot be read, or is not UTF-8; the message says what it is.
    """
    try:
        content = path.read_bytes()
        return plain(content.decode("utf-8")).replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        marked = next((name for mark, name in _OTHER_MARKS.items() if content.startswith(mark)), None)
        what = f" but {marked}, as its byte order mark says; save it as UTF-8" if marked else f": {error}"
        raise ValueError(f"{path} is not UTF-8{what}") from error
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}") from error


def plain(value: Any) -> str:
    """A text of a table without a byte order mark; the empty text where there is none.

    Characters that were stored as two halves (surrogates) become whole.

    Raises:
        ValueError: It is no text, or half of a character stands alone.

    >>> plain(None), plain("\\ufeffHello"), plain("\\ud83d\\ude00") == "\\U0001f600"
    ('', 'Hello', True)
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"holds {type(value).__name__}, not text")
    return _whole(value).lstrip(BYTE_ORDER_MARK)


def _whole(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            half = next(letter for letter in text if "\ud800" <= letter <= "\udfff")
            raise ValueError(f"has half of a character (the lone surrogate U+{ord(half):04X})") from None
    return text


def printable(name: str) -> str:
    """The name of a file as text, with bytes that are no UTF-8 as ``\\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
