"""Streams whose reader may go away, as ``head`` does, or that cannot say every letter: nobody's run ends by that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TextIO, cast

LOOK_ALIKES = dict(zip("·…×–—", "-~x--", strict=True))  # as wide, so that what stands below each other stays so


def outlasting(stream: TextIO | None) -> TextIO:
    """The same stream, which writes to nowhere once it cannot be written any more; None is one that is closed.

    Letters that its encoding lacks are written as those that look alike, else as escapes.
    """
    return cast(TextIO, _Outlasting(open(os.devnull, "w") if stream is None else stream))


class _Outlasting:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(sayable(text, getattr(self._stream, "encoding", None) or "utf-8"))
        except OSError:
            to_nowhere([self._stream.fileno()])
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            to_nowhere([self._stream.fileno()])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def sayable(text: str, encoding: str) -> str:
    """
    >>> sayable("2 · grün", "utf-8"), sayable("2 · grün", "latin-1"), sayable("2 · grün", "ascii")
    ('2 · grün', '2 · grün', '2 - gr\\\\xfcn')
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return "".join(_alike(letter, encoding) for letter in text)
    return text


def _alike(letter: str, encoding: str) -> str:
    said = letter.encode(encoding, "ignore") or LOOK_ALIKES.get(letter, letter).encode(encoding, "backslashreplace")
    return said.decode(encoding)


def to_nowhere(descriptors: Iterable[int]) -> None:
    """Let what is written to these files of the process go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
