"""Sizes of a GPT-2, as a recipe states them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt

LAYER_NORMS = ("ln_1", "ln_2")
EMBEDDING, POSITIONS, HEAD = "transformer.wte.weight", "transformer.wpe.weight", "lm_head.weight"
PROJECTIONS = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
"""Of a block, in the order in which the model applies them."""
METADATA, CRYSTALS = "sizes", "crystals"
"""The one key of the metadata of a model's file, which holds the sizes, and what of them is no size."""


@dataclass(frozen=True)
class Sizes:
    """Sizes under the names of ``transformers.GPT2Config``; the defaults are the paper's (section 4.1).

    ``n_inner`` is the width of the MLP, four times ``n_embd`` if not given. ``tied`` says that the head is the input
    embedding, as in GPT-2; otherwise the head has a matrix of its own.
    """

    n_embd: Annotated[int, Ge(1)] = 128
    n_layer: Annotated[int, Ge(1)] = 2
    n_head: Annotated[int, Ge(1)] = 4
    n_positions: Annotated[int, Ge(1)] = 128
    n_inner: Annotated[int, Ge(1)] | None = None
    vocab_size: Annotated[int, Ge(2)] = 50257
    layer_norm_epsilon: Annotated[float, Gt(0)] = 1e-5
    tied: bool = True

    def __post_init__(self) -> None:
        if self.n_embd % self.n_head:
            raise ValueError(f"n_embd must be a multiple of n_head, got {self.n_embd} and {self.n_head}")

    @property
    def inner(self) -> int:
        return self.n_inner or 4 * self.n_embd

    def slots(self) -> dict[str, tuple[int, int]]:
        """The linear projections: name -> (n_in, n_out), in the order in which the model applies them."""
        d = self.n_embd
        block = dict(zip(PROJECTIONS, ((d, 3 * d), (d, d), (d, self.inner), (self.inner, d)), strict=True))
        return {
            f"transformer.h.{layer}.{name}": shape for layer in range(self.n_layer) for name, shape in block.items()
        }

    def continuous(self) -> dict[str, tuple[int, ...]]:
        """Everything but the projections' matrices: state-dict name -> shape. A tied head is ``wte`` and not listed."""
        d = self.n_embd
        shapes: dict[str, tuple[int, ...]] = {
            EMBEDDING: (self.vocab_size, d),
            POSITIONS: (self.n_positions, d),
        }
        for layer in range(self.n_layer):
            for norm in LAYER_NORMS:
                shapes[f"transformer.h.{layer}.{norm}.weight"] = (d,)
                shapes[f"transformer.h.{layer}.{norm}.bias"] = (d,)
        for slot, (_, n_out) in self.slots().items():
            shapes[f"{slot}.bias"] = (n_out,)
        shapes["transformer.ln_f.weight"] = (d,)
        shapes["transformer.ln_f.bias"] = (d,)
        if not self.tied:
            shapes[HEAD] = (self.vocab_size, d)
        return shapes

    def to_config(self) -> dict[str, Any]:
        """Arguments of the ``transformers.GPT2Config`` that computes the same function."""
        sizes = asdict(self)
        tied = sizes.pop("tied")
        return {
            **sizes,
            "activation_function": "gelu_new",
            "resid_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "attn_pdrop": 0.0,
            "tie_word_embeddings": tied,
        }

    @classmethod
    def from_config(cls, config: Any) -> Sizes:
        """Sizes of a ``transformers.GPT2Config``.

        Raises:
            ValueError: The configuration asks for another function than the plain GPT-2.
        """
        plain = {
            "activation_function": "gelu_new",
            "scale_attn_weights": True,
            "scale_attn_by_inverse_layer_idx": False,
        }
        for name, value in plain.items():
            if getattr(config, name, value) != value:
                raise ValueError(f"GPT-2 with {name}={getattr(config, name)!r} is not supported, only {value!r}")
        names = ("n_embd", "n_layer", "n_head", "n_positions", "n_inner", "vocab_size", "layer_norm_epsilon")
        return cls(**{name: getattr(config, name) for name in names}, tied=config.tie_word_embeddings)
