"""Making a user's network: from a class or function, or from a model directory of transformers."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from evokit.common.code import code_digest
from evokit.common.keys import digest, digest_bytes
from evokit.common.names import did_you_mean, listed
from evokit.contracts.global_generators import driven_by
from evokit.errors import UserError, said
from evokit.networks.examples import Task
from evokit.networks.layers import freeze
from evokit.networks.options import OwnModule
from evokit.plugins import import_file
from evokit.streams import Streams

HEADS: Mapping[Task, str] = {
    "labels": "AutoModelForSequenceClassification",
    "text": "AutoModelForCausalLM",
    "images": "AutoModelForImageClassification",
}
FOREIGN = ("torch", "transformers")  # packages whose versions a run writes down


class Source:
    """Makes a user's network, the same one for the same options and stream.

    Args:
        options: What the recipe says.
        task: What the network is for, which decides the head of a model directory.
        n_classes: Of labels; 0 where there are none.

    Raises:
        ValueError: The module cannot be imported, or there is no such directory, or it cannot serve the task.
    """

    def __init__(self, options: OwnModule, task: Task, n_classes: int = 0) -> None:
        self.options, self._task, self._n_classes = options, task, n_classes
        self._make: Callable[..., Any] = _imported(options) if options.module else self._pretrained
        if options.directory and not (options.directory / "config.json").is_file():
            raise ValueError(f"directory: there is no config.json in {options.directory}, as save_pretrained writes it")
        if options.directory and task not in HEADS:
            raise ValueError(f"directory: models of transformers read texts and images, no {task}; give a module")

    def build(self, streams: Streams, overrides: Mapping[str, Any] | None = None) -> nn.Module:
        """The network on the processor, what is frozen marked as such.

        Args:
            streams: Decide parameters that begin at random. Global generators are left as they were.
            overrides: Of the options.

        Raises:
            ValueError: It cannot be made with these options, or something frozen is not in it.
        """
        told = dict(self.options.options) | dict(overrides or {})
        try:
            with seeded(streams):
                made = self._make(**told)
        except (MemoryError, UserError):
            raise
        except Exception as error:
            raise ValueError(f"{self._place} cannot be made with the options {told}: {said(error)}") from error
        if not isinstance(made, nn.Module):
            raise ValueError(f"module: {self._place} makes no torch.nn.Module but {made!r:.60}")
        if any(is_lazy(one) for one in (*made.parameters(), *made.buffers())):
            raise ValueError(
                f"module: {self._place} has lazy layers, which begin at random later; give them their sizes"
            )
        made = made.float()
        freeze(made, self.options.frozen)
        return made

    def refuse_unknown(self, names: Iterable[str]) -> None:
        """Refuse what a genome says and the network has no option for.

        Raises:
            UserError: Names one, and the options that there are.
        """
        if self.options.module:
            taken = inspect.signature(self._make).parameters.values()
            if any(one.kind is one.VAR_KEYWORD for one in taken):
                return
            known = [one.name for one in taken]
        else:
            known = list(self._config().to_dict())
        if unknown := [name for name in names if name not in known]:
            raise UserError(
                f"fitness torch_module: nothing takes the genome's parameter {unknown[0]!r}: layers and training do"
                f" not, and {self._place} has no such option{did_you_mean(unknown[0], known)} (it has {listed(known)})"
            )

    def identity(self, made: nn.Module) -> list[Any]:
        """What decides how a network that was made computes: sources, options, files."""
        kinds = sorted({type(one) for one in made.modules()}, key=lambda kind: (kind.__module__, kind.__qualname__))
        own = [code_digest(kind) for kind in kinds if kind.__module__.partition(".")[0] not in FOREIGN]
        code = code_digest(self._make) if self.options.module else _files_digest(self._directory)
        return [code, own, dict(self.options.options), list(self.options.frozen)]

    @property
    def _directory(self) -> Path:
        assert self.options.directory is not None
        return self.options.directory

    @property
    def _place(self) -> str:
        return self.options.module or str(self.options.directory)

    def _pretrained(self, **overrides: Any) -> nn.Module:
        """A model of transformers with the head that the task needs; weights that are not in the directory are new."""
        import transformers

        config = self._config(**overrides)
        if unknown := [name for name in overrides if not hasattr(config, name)]:
            raise ValueError(f"its config has no {unknown[0]}{did_you_mean(unknown[0], config.to_dict())}")
        if self._task == "labels" and config.pad_token_id is None:
            config.pad_token_id = config.eos_token_id  # else a batch of texts of several lengths is refused
        kind = getattr(transformers, HEADS[self._task])
        stored = any(self._directory.glob("*.safetensors"))
        with quiet():
            made: nn.Module = (
                kind.from_pretrained(self._directory, config=config, local_files_only=True, use_safetensors=True)
                if stored
                else kind.from_config(config)
            )
        return made

    def _config(self, **overrides: Any) -> Any:
        from transformers import AutoConfig

        labels = {"num_labels": self._n_classes} if self._n_classes else {}
        return AutoConfig.from_pretrained(self._directory, local_files_only=True, **labels | overrides)


@contextmanager
def seeded(streams: Streams, device: str = "cpu") -> Iterator[None]:
    """Let the global generators, which layers draw from, begin at a stream, and then stand where they stood."""
    seed, devices = streams.entropy() % 2**63, [] if device == "cpu" else [torch.device(device)]
    with driven_by(streams.numpy()), torch.random.fork_rng(devices=devices):
        torch.default_generator.manual_seed(seed)
        if device != "cpu":
            torch.cuda.manual_seed(seed)
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """Let transformers not tell of each network, which is made many times, that its head is new."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _imported(options: OwnModule) -> Callable[..., Any]:
    """The class or function that makes the module."""
    module, colon, name = options.module.rpartition(":")
    try:
        if options.file:
            found: Any = import_file(options.file)
        elif colon:
            found = importlib.import_module(module)
        else:
            raise ValueError("there is no colon in it")
        for part in name.split("."):
            found = getattr(found, part)
    except Exception as error:
        place = f"{options.file}:{name}" if options.file else repr(options.module)
        raise ValueError(
            f"module: {place} cannot be imported ({said(error)}); write my_package:MyNet, of a package that Python"
            " finds, or module: MyNet and file: ./net.py"
        ) from error
    if not callable(found):
        raise ValueError(f"module: {options.module} is no class or function, got {found!r:.60}")
    made: Callable[..., Any] = found
    return made


def _files_digest(directory: Path) -> str:
    """Of all files of a model directory."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return digest([[str(path.relative_to(directory)), digest_bytes(path.read_bytes())] for path in files])
