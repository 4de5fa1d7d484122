"""Streams whose reader may go away, as ``head`` does: nobody's run ends by that."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TextIO, cast


def outlasting(stream: TextIO | None) -> TextIO:
    """The same stream, which writes to nowhere once it cannot be written any more; None is one that is closed."""
    return cast(TextIO, _Outlasting(open(os.devnull, "w") if stream is None else stream))


class _Outlasting:
    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
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


def to_nowhere(descriptors: Iterable[int]) -> None:
    """Let what is written to these files of the process go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
