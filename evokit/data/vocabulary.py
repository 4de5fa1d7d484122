"""GPT-2's vocabulary of 50,257 tokens, from the packaged merges of its byte pair encoding."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np

from evokit.data.cache import cached, texts_key
from evokit.data.text import EOS, Documents

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import GPT2TokenizerFast

N_VOCAB = 50257
END_OF_TEXT = "<|endoftext|>"

_PRINTABLE = (*range(33, 127), *range(161, 173), *range(174, 256))  # bytes that stand for themselves
_CHUNK = 4_000_000  # characters encoded at once: encodings hold some hundred bytes a token until they are arrays
_WORTH_CACHING = 2_000_000  # characters: about a second


def gpt2_tokenizer() -> GPT2TokenizerFast:
    """The tokenizer as ``transformers`` knows it, e.g. to save beside an exported model.

    Raises:
        RuntimeError: This ``transformers`` made another vocabulary of it.
    """
    from transformers import GPT2TokenizerFast

    special = dict.fromkeys(["bos_token", "eos_token", "unk_token"], END_OF_TEXT)
    # tokenizer_object: the file arguments have other names in each major version, and wrong ones are ignored.
    tokenizer = GPT2TokenizerFast(tokenizer_object=_tokenizer(), model_max_length=1024, **special)
    if len(tokenizer) != N_VOCAB:
        raise RuntimeError(f"the GPT-2 vocabulary has {N_VOCAB} tokens, transformers made {len(tokenizer)}")
    return tokenizer


def encode_documents(texts: Sequence[str], names: Sequence[str] | None = None) -> Documents:
    """Tokenize one document a text; no token is ever end-of-text, not even where a text spells it out.

    Long texts are tokenized once and kept in the user's cache directory.

    Args:
        texts: What to encode.
        names: One a text; ``0``, ``1``, ... if None.

    >>> encode_documents(["Hello world", "!"]).tokens.tolist()
    [15496, 995, 0]
    """
    names = tuple(map(str, range(len(texts)))) if names is None else tuple(names)
    long = sum(map(len, texts)) >= _WORTH_CACHING
    arrays = cached(_key(texts), lambda: _encode(texts)) if long else _encode(texts)
    return Documents(arrays["tokens"], arrays["starts"], names)


def decode_documents(documents: Documents) -> list[str]:
    """The text of each document; bytes that are no UTF-8 become U+FFFD.

    >>> decode_documents(encode_documents(["Hello world", "!"]))
    ['Hello world', '!']
    """
    return _tokenizer().decode_batch([documents.document(i).tolist() for i in range(len(documents))])


def escaped_text(tokens: Iterable[int]) -> str:
    """The text of any tokens, such as a model wrote: what is neither printable nor a line's end is escaped.

    An id beyond the vocabulary, as a wider model has, is shown as ``<id>``.

    >>> escaped_text([15496, 198, 0]), escaped_text([15496, 171, 222])
    ('Hello\\n!', 'Hello\\\\xef\\\\x80')
    """
    tokenizer, byte = _tokenizer(), {letter: i for i, letter in zip(_bytes_in_order(), _byte_letters(), strict=True)}
    pieces = (tokenizer.id_to_token(int(token)) or f"<{token}>" for token in tokens)
    raw = bytes(byte[letter] for piece in pieces for letter in piece)
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def _encode(texts: Sequence[str]) -> dict[str, np.ndarray]:
    """``tokens`` (n_tokens,) uint16 and ``starts`` (n_texts + 1,) int64."""
    tokenizer = _tokenizer()
    pieces = [np.empty(0, np.uint16)]
    for chunk in _chunks(texts):
        pieces += [
            np.array(encoding.ids, np.uint16) for encoding in tokenizer.encode_batch(chunk, add_special_tokens=False)
        ]
    return {"tokens": np.concatenate(pieces), "starts": np.cumsum([len(piece) for piece in pieces], dtype=np.int64)}


def _chunks(texts: Sequence[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for text in texts:
        chunk.append(text)
        size += len(text)
        if size >= _CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _key(texts: Sequence[str]) -> str:
    """Of all that decides the tokens."""
    from tokenizers import __version__

    return f"gpt2-tokens-{texts_key(texts, f'{__version__} {_merges_text()}')}"


def _merges_text() -> str:
    return (files("evokit.data") / "files" / "vocab.bpe").read_text(encoding="utf-8")


@functools.cache
def _tokenizer() -> Tokenizer:
    """GPT-2's tokenizer without special tokens, so that a text which spells one out stays text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

    _, *lines = _merges_text().splitlines()
    merges = [(left, right) for left, right in (line.split(" ") for line in lines)]
    tokens = [*_byte_letters(), *(left + right for left, right in merges), END_OF_TEXT]
    tokenizer = Tokenizer(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    if (tokenizer.get_vocab_size(), tokenizer.token_to_id(END_OF_TEXT)) != (N_VOCAB, EOS):
        raise RuntimeError(f"files/vocab.bpe is damaged: {tokenizer.get_vocab_size()} tokens instead of {N_VOCAB}")
    return tokenizer


def _byte_letters() -> list[str]:
    """The letter that stands for each byte, in the order of their token ids: printable bytes first, as themselves."""
    return [chr(byte) for byte in _PRINTABLE] + [chr(256 + i) for i in range(256 - len(_PRINTABLE))]


def _bytes_in_order() -> list[int]:
    """The byte that each letter stands for, in the same order."""
    return [*_PRINTABLE, *sorted(set(range(256)).difference(_PRINTABLE))]
