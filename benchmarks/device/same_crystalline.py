"""Fitnesses and contenders of ``evokit_crystalline``, computed on a device of choice from the same inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.device.agreement import Answer, Case
from benchmarks.device.bench import Bench
from benchmarks.device.data import documents, labelled
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_crystalline import baselines, final, fitness
from evokit_crystalline.crystals.options import LibraryOptions
from evokit_crystalline.genome import build_genome
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import Sizes
from evokit_crystalline.options import AdamW, Assemble, ClosedForm, Crystalline, Gpt2Loss, Muon
from evokit_crystalline.text_classification import baselines as text_baselines
from evokit_crystalline.text_classification import final as text_final
from evokit_crystalline.text_classification import fitness as text_fitness
from evokit_crystalline.text_classification.options import BagOfWords, Classify, TextClassification

STEPS = 3
PLUGIN = "crystalline"


def cases(bench: Bench) -> list[Case]:
    """All that the plugin offers."""
    width, layers, block, blocks, n = (16, 1, 16, 2, 8) if bench.small else (128, 2, 128, 8, 32)
    sizes = Sizes(n_embd=width, n_layer=layers, n_head=2, n_positions=block)
    options = Gpt2Loss(model=sizes, tokens=block * blocks, block=block)
    fitted = replace(options, model=replace(sizes, tied=False), continuous=Continuous(fit="unigram"))
    length = min(block, 32)
    text = TextClassification(model=sizes, train_texts=8 * n, validation_texts=4 * n, length=length)
    adamw = AdamW(steps=STEPS, batch=2)
    products = 4 * layers + 1
    sums = layers * (7 * width + block) + width + sizes.vocab_size
    library = Crystalline(LibraryOptions(8))

    def gpt2(device: str, options: Gpt2Loss) -> tuple[Any, Any, Context]:
        train, validation = (documents(8, 4 * block * blocks, seed) for seed in (1, 2))
        context = Context(
            Streams(3), device=device, threads=bench.threads, train=train, validation=validation, data_digest="device"
        )
        built = fitness.build_fitness(options, context)
        context = replace(context, fitness=built)
        genome = build_genome(library, context)
        return built, genome, replace(context, genome=genome)

    def texts(device: str) -> tuple[Any, Any, Context]:
        train, validation = labelled(16 * n, length, 1), labelled(8 * n, length, 2)
        context = Context(Streams(3), device=device, threads=bench.threads, train=train, validation=validation)
        built = text_fitness.build_fitness(text, context)
        context = replace(context, fitness=built)
        genome = build_genome(library, context)
        return built, genome, replace(context, genome=genome)

    def evaluated(make: Callable[[str], tuple[Any, Any, Context]]) -> Callable[[str, Path], Answer]:
        def run(device: str, scratch: Path) -> Answer:
            built, genome, _ = make(device)
            return Answer(
                values_of(built.evaluate([genome.express(one) for one in genes(genome, n)], built.budgets[-1]))
            )

        return run

    def contends(
        make: Callable[[str], tuple[Any, Any, Context]], build: Callable[[Any, Context], Any], options: Any, split: Any
    ) -> Callable[[str, Path], Answer]:
        def run(device: str, scratch: Path) -> Answer:
            built, genome, context = make(device)
            contender = build(options, context)
            best = make_individual(genome, genes(genome, 1)[0], weights_of(built.objectives))
            made = contender.fit(contender.settings(best)[0], 0, contender.budgets[-1], scratch)
            if not made.ok:
                raise RuntimeError(f"{made.outcome}: {made.message}")
            return Answer(np.concatenate([made.values, contender.score(Path(made.artifact), split)]))

        return run

    def plain(device: str) -> tuple[Any, Any, Context]:
        return gpt2(device, options)

    def closed(device: str) -> tuple[Any, Any, Context]:
        return gpt2(device, fitted)

    def coarse(device: str) -> tuple[Any, Any, Context]:
        return gpt2(device, replace(options, precision="bfloat16"))

    test, tested = documents(3, block * 2, 4), labelled(2 * n, length, 4)
    trained = 3 * STEPS * sums
    return [
        Case(f"{PLUGIN}/fitness/gpt2_loss", evaluated(plain), sums, products, individuals=True),
        Case(f"{PLUGIN}/fitness/gpt2_loss bfloat16", evaluated(coarse), sums, 1, "bfloat16", individuals=True),
        Case(f"{PLUGIN}/fitness/gpt2_loss closed form", evaluated(closed), sums, products, individuals=True),
        Case(f"{PLUGIN}/baseline/adamw", contends(plain, baselines.build_adamw, adamw, test), trained, products),
        Case(
            f"{PLUGIN}/baseline/adamw bfloat16",
            contends(coarse, baselines.build_adamw, adamw, test),
            trained,
            3 * STEPS,
            "bfloat16",
        ),
        Case(  # whose orthogonal steps are bfloat16
            f"{PLUGIN}/baseline/muon",
            contends(plain, baselines.build_adamw, Muon(steps=STEPS, batch=2), test),
            trained,
            3 * STEPS,
            "bfloat16",
        ),
        Case(
            f"{PLUGIN}/baseline/closed_form", contends(closed, baselines.build_closed_form, ClosedForm(), test), sums, 1
        ),
        Case(f"{PLUGIN}/final/assemble", contends(plain, final.build_champion, Assemble(), test), sums, products),
        Case(
            f"{PLUGIN}/final/assemble hybrid",
            contends(plain, final.build_champion, Assemble(hybrid=adamw), test),
            trained,
            products,
        ),
        Case(f"{PLUGIN}/fitness/text_classification", evaluated(texts), sums, products, individuals=True),
        Case(
            f"{PLUGIN}/final/classify", contends(texts, text_final.build_champion, Classify(), tested), sums, products
        ),
        Case(
            f"{PLUGIN}/baseline/bag_of_words",
            contends(texts, text_baselines.build_words, BagOfWords(), tested),
            block,
            1,
        ),
    ]


def genes(genome: Any, n: int) -> list[Any]:
    """The same random individuals on every device."""
    rng = Streams(5).at("individuals").numpy()
    return [
        genome.canonical(genome.random(rng)) if hasattr(genome, "canonical") else genome.random(rng) for _ in range(n)
    ]


def values_of(evaluations: Any) -> np.ndarray:
    """``(n,)`` first values; NaN of what failed."""
    return np.array([one.values[0] if one.ok else np.nan for one in evaluations], np.float64)
