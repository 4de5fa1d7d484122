"""A folder of text files, one document a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from evokit.data.near_duplicates import near_duplicates
from evokit.data.raw_text import printable, read_text
from evokit.data.text import content_names, split_by_document, text_data
from evokit.data.vault import Vault
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.interfaces import Context, Data


@dataclass(frozen=True)
class TextFiles:
    """The UTF-8 files of a folder, split by document; near-duplicates stay on one side and are one unit.

    Eight tenths are for training, one for validation, one for test. Which files are where is decided by what is in
    them: neither their names nor a seed change it. A byte order mark is no part of a text.
    """

    folder: Path
    """Where the files are."""

    pattern: str = "*.txt"
    """Which files; ``**/*.txt`` looks into folders below. Files of white space alone are left out."""

    vault: Vault = 0.0
    """About this share of the test units, by content, is kept for ``evokit unseal``."""

    def build(self, context: Context) -> Data:
        """Train, validation and test as ``Documents``, named by their paths below the folder.

        Raises:
            UserError: There is no such folder, a file cannot be read or is not UTF-8, or fewer than 10 files are no
                near-duplicates.
            ValueError: The vault would be empty, or hold all of the test.
        """
        folder = Path(self.folder)
        if not folder.is_dir():
            raise UserError(f"data text_files: there is no folder {folder}")
        paths = [path for path in folder.glob(self.pattern) if path.is_file()]
        found = {printable(path.relative_to(folder).as_posix()): path for path in paths}
        texts = {name: text for name, path in sorted(found.items()) if (text := _read(path)).strip()}
        groups = near_duplicates(list(texts.values()))
        documents = replace(encode_documents(list(texts.values()), list(texts)), groups=groups)
        try:
            split = split_by_document(content_names(list(texts.values())), groups.tolist())
        except ValueError as error:
            raise UserError(f"data text_files: {error} in {folder} ({self.pattern})") from error
        return text_data(
            "text_files",
            f"{folder}/{self.pattern}",
            train=documents.select(split.train),
            validation=documents.select(split.validation),
            test=documents.select(split.test),
            vault=self.vault,
        )


def _read(path: Path) -> str:
    try:
        return read_text(path)
    except ValueError as error:
        raise UserError(f"data text_files: {error}") from error
