"""What a network reads and what it should answer: images, labelled texts, texts and tables as tensors."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from evokit.data.image_batches import normalised
from evokit.data.image_set import ImageSet
from evokit.data.labelled import LabelledTexts
from evokit.data.rows import Rows
from evokit.data.text import EOS, IGNORED, Documents, document_blocks, full_blocks
from evokit.data.vocabulary import decode_documents
from evokit.errors import said
from evokit.streams import Streams

Task = Literal["images", "labels", "text", "table"]

PROBED = 2  # examples that a network is tried on before a run
CHUNK = 64
"""Examples measured at once. A constant, because the last bits of a product depend on its shape."""
NAMES = ("input_ids", "attention_mask", "pixel_values")
"""Arguments of ``forward`` that are given by name, as transformers' models have them."""


def task_of(side: Any) -> Task:
    """What a side of the data is.

    Raises:
        ValueError: It is nothing that networks read, or images of several sets.
    """
    if isinstance(side, LabelledTexts):
        return "labels"
    if isinstance(side, Documents):
        return "text"
    if isinstance(side, Rows):
        return "table"
    if isinstance(side, Mapping) and side and all(isinstance(one, ImageSet) for one in side.values()):
        if len(side) == 1:
            return "images"
        raise ValueError(f"it takes one set of images, got {', '.join(side)}; give data.sets one entry")
    raise ValueError(
        "a module reads images, texts or a table; write data: {name: images}, {name: labelled_text}, {name: prose} or"
        " {name: table}"
    )


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples of one side of the data, in memory.

    Args:
        inputs: Argument name to ``(n, ...)``; the first is what a network without such arguments gets.
        targets: ``(n,)`` classes or numbers, of texts ``(n, length)`` tokens.
        units: ``(n,)`` which unit each counts in.
        task: What they are.
        n_classes: Of labels.
        read: Makes what a network is given of an input, batch by batch.
    """

    inputs: Mapping[str, Tensor]
    targets: Tensor
    units: np.ndarray
    task: Task
    n_classes: int = 0
    read: Callable[[Tensor], Tensor] = lambda x: x

    def __len__(self) -> int:
        return len(self.targets)

    def first(self, n: int | None) -> Examples:
        """At most the first ``n``."""
        inputs = {name: one[:n] for name, one in self.inputs.items()}
        return Examples(inputs, self.targets[:n], self.units[:n], self.task, self.n_classes, self.read)

    def outputs(self, call: Callable[..., Any], module: nn.Module, chosen: Tensor | slice) -> Tensor:
        """What a network answers to some of them, float32.

        Args:
            call: Calls it, which is ``module`` itself or a function of other parameters.
            module: Whose ``forward`` says what it is given.
            chosen: Indices.

        Raises:
            ValueError: It answers with something else than the data need.
        """
        given = {name: self.read(one[chosen]) for name, one in self.inputs.items()}
        takes = inspect.signature(module.forward).parameters
        named = {name: one for name, one in given.items() if name in takes and name in NAMES}
        answer = call(**named) if named else call(next(iter(given.values())))
        answer = getattr(answer, "logits", answer)
        if isinstance(answer, tuple | list) and answer:
            answer = answer[0]
        return self._checked(answer, len(next(iter(given.values()))))

    def refuse_misfit(self, module: nn.Module) -> None:
        """Try a network on a few of them.

        Raises:
            ValueError: It fails, or answers with something else than the data need.
        """
        module.eval()
        try:
            with torch.no_grad():
                self.outputs(module, module, slice(PROBED))
        except (ValueError, MemoryError):
            raise
        except Exception as error:
            raise ValueError(f"module: it fails on a batch of the data: {said(error)}") from error

    def losses(self, outputs: Tensor, chosen: Tensor | slice) -> Tensor:
        """``(n,)`` losses of examples: nats, of a text the mean over its tokens, of a table squared errors."""
        targets = self.targets[chosen]
        if self.task == "table":
            return (outputs - targets) ** 2
        if self.task == "labels" or self.task == "images":
            return F.cross_entropy(outputs, targets, reduction="none")
        nats = F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
        return nats.view_as(targets).sum(1) / (targets != IGNORED).sum(1)

    @property
    def weights(self) -> np.ndarray:
        """``(n,)`` how much each counts in its unit: of a text its tokens."""
        if self.task != "text":
            return np.ones(len(self))
        return (self.targets != IGNORED).sum(1).double().cpu().numpy()

    def right(self, outputs: Tensor, chosen: Tensor | slice) -> Tensor:
        """``(n,)`` 1 where the class is told right, 0 where not; of a text the share of its tokens."""
        targets = self.targets[chosen]
        if self.task != "text":
            return (outputs.argmax(1) == targets).float()
        real = targets != IGNORED
        return ((outputs.argmax(2) == targets) & real).sum(1) / real.sum(1)

    def _checked(self, answer: Any, n: int) -> Tensor:
        """An answer of the shape that the data need, without a column that says nothing."""
        wanted, meaning = {
            "table": ((n,), "a number for each row"),
            "text": ((n, *self.targets.shape[1:]), "logits of the next token at each place"),
        }.get(self.task, ((n, self.n_classes), "a logit for each class"))
        if not isinstance(answer, Tensor):
            raise ValueError(f"the module must return a tensor, or something with logits, got {type(answer).__name__}")
        shape = tuple(answer.shape)
        if self.task == "table" and shape == (n, 1):
            answer = answer.squeeze(1)
        elif self.task == "text" and len(shape) == 3 and shape[:2] == wanted:
            pass  # whatever the vocabulary
        elif shape != wanted:
            shown = ", ".join(map(str, (*wanted, "vocabulary") if self.task == "text" else wanted))
            raise ValueError(f"the module must return ({shown}), {meaning}, for {n} examples, but returns {shape}")
        told: Tensor = answer.float()
        return told


class Reader:
    """Makes examples of the sides of the data.

    Args:
        train: The training side, whose statistics and classes are those of all.
        length: Tokens of a text.
        device: Where examples lie.
        tokenizer: A model directory whose tokenizer reads texts; None or one without any leaves GPT-2's tokens.

    Raises:
        ValueError: The data are nothing that networks read.
    """

    def __init__(self, train: Any, length: int, device: str, tokenizer: Path | None = None) -> None:
        self.task = task_of(train)
        self._train, self._length, self._device = train, length, device
        self._tokenizer = _own_tokenizer(tokenizer) if self.task in ("labels", "text") else None
        if self._tokenizer is not None and self.task == "text":
            raise ValueError("directory: its tokenizer is not GPT-2's, in whose tokens texts without labels come")
        self.n_classes = 0
        if self.task == "labels":
            self.n_classes = len(train.classes)
        elif self.task == "images":
            self.n_classes = next(iter(train.values())).n_classes

    @property
    def unit(self) -> str:
        """What a score has a value for."""
        return {"images": "image", "table": "row"}.get(self.task, "document")

    def examples(self, side: Any, whole: bool = False) -> Examples:
        """The examples of a side; with ``whole`` a text's last block too, if it is not full."""
        if self.task == "images":
            return self._images(next(iter(side.values())))
        if self.task == "table":
            return self._rows(side)
        return self._labelled(side) if self.task == "labels" else self._texts(side, whole)

    def _images(self, side: ImageSet) -> Examples:
        images, labels = side.tensors(self._device)
        mean, std = (torch.tensor(one, device=self._device) for one in (side.mean, side.std))

        def read(pixels: Tensor) -> Tensor:
            return normalised(pixels, mean, std)

        return Examples({"pixel_values": images}, labels, np.arange(len(labels)), "images", self.n_classes, read)

    def _rows(self, side: Rows) -> Examples:
        x, y = ((all_ - known.mean(0)) / _spread(known) for all_, known in
                ((side.x, self._train.x), (side.y, self._train.y)))  # fmt: skip
        inputs, targets = (torch.tensor(one, dtype=torch.float32, device=self._device) for one in (x, y))
        return Examples({"x": inputs}, targets, np.arange(len(side)), "table")

    def _labelled(self, side: LabelledTexts) -> Examples:
        texts = [side.texts.document(i) for i in range(len(side))]
        pad = EOS
        if self._tokenizer is not None:
            pad = self._tokenizer.pad_token_id
            told = self._tokenizer(decode_documents(side.texts), truncation=True, max_length=self._length)["input_ids"]
            texts = [np.array(one, np.int64) for one in told]
        tokens = np.full((len(texts), self._length), pad, np.int64)
        mask = np.zeros_like(tokens)
        for row, text in enumerate(texts):
            n = min(len(text), self._length)
            tokens[row, :n], mask[row, :n] = text[:n], 1
        inputs = {"input_ids": self._placed(tokens), "attention_mask": self._placed(mask)}
        return Examples(inputs, self._placed(side.labels), side.units, "labels", self.n_classes)

    def _texts(self, side: Documents, whole: bool) -> Examples:
        blocks = document_blocks(side, self._length) if whole else full_blocks(side, self._length)
        inputs = {"input_ids": self._placed(blocks.inputs)}
        return Examples(inputs, self._placed(blocks.targets), side.units[blocks.documents], "text")

    def _placed(self, values: np.ndarray) -> Tensor:
        return torch.tensor(values, device=self._device)


def order_of(examples: Examples, batch: int, step: int, streams: Streams) -> Tensor:
    """Indices of a step's batch: each epoch visits all once, in an order of its own."""
    epoch, at = divmod(step, max(1, len(examples) // batch))
    order = torch.randperm(len(examples), generator=streams.at("epoch", epoch).torch())
    return order[at * batch : (at + 1) * batch].to(examples.targets.device)


def _own_tokenizer(directory: Path | None) -> Any:
    """That of a model directory; None if it has none, or GPT-2's."""
    if directory is None or not any((directory / name).exists() for name in ("tokenizer.json", "vocab.txt")):
        return None
    from transformers import AutoTokenizer

    from evokit.data.vocabulary import gpt2_tokenizer

    tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
    if tokenizer.get_vocab() == gpt2_tokenizer().get_vocab():
        return None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return tokenizer


def _spread(values: np.ndarray) -> np.ndarray:
    spread = np.asarray(values.std(0))
    return np.where(spread == 0, 1.0, spread)
