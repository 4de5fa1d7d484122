"""Log records as notes of a progress."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from evokit.progress.protocol import Progress


class ProgressHandler(logging.Handler):
    """Shows log records as notes; warnings and worse are kept."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self.format(record)
            if record.levelno >= logging.WARNING:
                self._progress.note(f"{record.levelname.capitalize()}: {text}", keep=True)
            else:
                self._progress.note(text)
        except Exception:  # as every logging handler: a note that fails must not end the run
            self.handleError(record)


@contextmanager
def logs_as_notes(progress: Progress, name: str = "evokit", level: int = logging.INFO) -> Iterator[None]:
    """Show what is logged under ``name`` as notes while the block runs."""
    logger = logging.getLogger(name)
    handler, before = ProgressHandler(progress), logger.level
    logger.addHandler(handler)
    logger.setLevel(level)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)
