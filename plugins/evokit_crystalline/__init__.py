"""Crystalline latent space optimization: a GPT-2 whose matrices are chosen from libraries of structured ones."""

from __future__ import annotations

from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Kind
from evokit_crystalline.options import AdamW, Assemble, ClosedForm, Crystalline, Gpt2Loss, Transformers
from evokit_crystalline.text_classification.options import BagOfWords, Classify, TextClassification


@hookimpl
def evokit_components() -> list[Component]:
    return [
        _offer("genome", "crystalline", Crystalline, "genome:build_genome"),
        _offer("fitness", "gpt2_loss", Gpt2Loss, "fitness:build_fitness"),
        _offer("baseline", "adamw", AdamW, "baselines:build_adamw", "gpt2_loss"),
        _offer("baseline", "closed_form", ClosedForm, "baselines:build_closed_form", "gpt2_loss"),
        _offer("final", "assemble", Assemble, "final:build_champion", "gpt2_loss"),
        _offer("export", "transformers", Transformers, "export:build_export", "gpt2_loss"),
        _offer("fitness", "text_classification", TextClassification, "text_classification.fitness:build_fitness"),
        _offer(
            "baseline",
            "bag_of_words",
            BagOfWords,
            "text_classification.baselines:build_bag_of_words",
            "text_classification",
        ),
        _offer("final", "classify", Classify, "text_classification.final:build_champion", "text_classification"),
    ]


def _offer(kind: Kind, name: str, options: type, build: str, fits: str = "") -> Component:
    return Component(kind, name, options, fits, extra="neural", build=f"{__name__}.{build}")
