"""Crystalline latent space optimization: a GPT-2 whose matrices are chosen from libraries of structured ones."""

from __future__ import annotations

from evokit.facts import ReportFacts, ReportSection
from evokit.hookspecs import hookimpl
from evokit.interfaces import Component, Kind

GPT2, TEXTS = "gpt2_loss", "text_classification"


@hookimpl
def evokit_components() -> list[Component]:
    return [
        _offer("genome", "crystalline", "options:Crystalline", "genome:build_genome"),
        _offer("genome", "grown", "options:Grown", "grown.genome:build_genome"),
        _offer("fitness", GPT2, "options:Gpt2Loss", "fitness:build_fitness"),
        _offer("baseline", "adamw", "options:AdamW", "baselines:build_adamw", GPT2),
        _offer("baseline", "muon", "options:Muon", "baselines:build_adamw", GPT2),
        _offer("baseline", "closed_form", "options:ClosedForm", "baselines:build_closed_form", GPT2),
        _offer("final", "assemble", "options:Assemble", "final:build_champion", GPT2),
        _offer("export", "transformers", "options:Transformers", "export:build_export", GPT2),
        _offer("export", "library", "options:LibraryFile", "export:LibraryExport", GPT2),
        _offer("fitness", TEXTS, f"{TEXTS}.options:TextClassification", f"{TEXTS}.fitness:build_fitness"),
        _offer("baseline", "bag_of_words", f"{TEXTS}.options:BagOfWords", f"{TEXTS}.baselines:build_words", TEXTS),
        _offer("final", "classify", f"{TEXTS}.options:Classify", f"{TEXTS}.final:build_champion", TEXTS),
    ]


@hookimpl
def evokit_report_sections(report: ReportFacts) -> list[ReportSection]:
    if report.summary["best"] is None or report.recipe["fitness"]["name"].rpartition(":")[2] != GPT2:
        return []
    from evokit_crystalline.report import crystals_section, models_sections

    return [*crystals_section(report.directory, report.summary), *models_sections(report.summary)]


def _offer(kind: Kind, name: str, options: str, build: str, fits: str = "") -> Component:
    """Both are imported when they are first needed."""
    return Component(kind, name, f"{__name__}.{options}", fits, extra="neural", build=f"{__name__}.{build}")
