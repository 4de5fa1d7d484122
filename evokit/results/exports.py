"""Exporting a finished model of a run, or what a run measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.assembly.identity import refuse_other_genome
from evokit.assembly.parts import Parts, assemble, build_part
from evokit.common.files import share
from evokit.errors import UserError
from evokit.interfaces import Measured
from evokit.measuring.ledger_files import ledger_of
from evokit.recipe import Recipe, Section
from evokit.runs.checkpoint import load_checkpoint
from evokit.runs.diversity import write_table
from evokit.runs.launch import open_recipe
from evokit.searches.elites import Diverse

ARCHIVE = "archive"  # the format of an archive of elites, whatever the fitness


def export_model(
    folder: Path, name: str | None = None, contender: str = "champion", out: Path | None = None, *, force: bool = False
) -> Path:
    """Write a contender's model, or what was measured, in a format of the run's fitness.

    Args:
        folder: A finished run.
        name: Of the export; None takes the recipe's, or else the fitness's only one. ``archive`` is that of a search
            that keeps elites.
        contender: ``champion`` or a baseline's name; of several seeds the first, of repeats the best on validation.
        out: Where to; None is ``export/NAME`` in the run directory.
        force: Write also where ``out`` is a file or holds some; what has another name stays.

    Returns:
        Where the export lies.

    Raises:
        UserError: No finished model, no such contender or format, or ``out`` cannot be written or holds other files.
    """
    if out is not None and not force and _holds_files(out):
        state = "holds files" if out.is_dir() else "is a file"
        raise UserError(f"{out} {state} already; choose another --out, or add --force")
    recipe, directory = open_recipe(folder)
    section = _section(recipe, name)
    summary = directory.read_summary()
    home = directory.path
    if summary is not None and "repeats" in summary:
        home = repeat_folder(home, summary["seed"] - recipe.seed)
    parts = assemble(recipe, home)
    with ledger_of(RunDirectory(home).ledger) as ledger:
        refuse_other_genome(ledger.meta("identity"), getattr(parts.genome, "content_digest", ""))
    if section is None:
        return _export_archive(parts, home, directory.path / "export" / ARCHIVE if out is None else out)
    exporter = build_part(section, parts.context)
    out = directory.path / "export" / section.name if out is None else out
    try:
        if hasattr(exporter, "export_measured"):
            exporter.export_measured(_measured(folder, home, parts.fitness.budgets[-1]), out)
        else:
            exporter.export(_model(folder, home, summary, contender), out)
        share(out)
    except OSError as error:
        raise UserError(f"cannot export to {out}: {error.strerror or error}") from error
    return out


def _export_archive(parts: Parts, home: Path, out: Path) -> Path:
    """Write all elites of the last checkpoint to ``archive.csv`` in a folder."""
    if (state := load_checkpoint(RunDirectory(home).checkpoints)) is None:
        raise UserError(f"{home} has no checkpoint yet whose archive could be exported")
    parts.search.load_state_dict(state["search"])
    try:
        out.mkdir(parents=True, exist_ok=True)
        objective = next(iter(parts.fitness.objectives))
        write_table(parts.search.elites, objective, parts.genome.to_json, out / "archive.csv")  # type: ignore[attr-defined]  # optional
        share(out)
    except OSError as error:
        raise UserError(f"cannot export to {out}: {error.strerror or error}") from error
    return out


def _holds_files(out: Path) -> bool:
    return any(out.iterdir()) if out.is_dir() else out.is_file()


def _measured(folder: Path, home: Path, budget: int) -> list[Measured]:
    """What the search measured and did not fail."""
    directory = RunDirectory(home)
    with ledger_of(directory.ledger) as ledger:
        if measured := ledger.measured_at(budget):
            return measured
    raise UserError(f"{folder} has measured nothing yet that could be exported")


def _model(folder: Path, home: Path, summary: Mapping[str, Any] | None, contender: str) -> Path:
    """The first model of a contender."""
    entries: Sequence[Mapping[str, Any]] = []
    if summary is not None and summary["final"] is not None:
        entries = [summary["final"], *summary["baselines"]]
    models = {entry["name"]: entry["artifacts"] for entry in entries if entry["artifacts"]}
    if contender not in models:
        has = f"; it has {', '.join(models)}" if models else ""
        raise UserError(f"{folder} has no finished model of {contender!r}{has}")
    artifact = home / models[contender][0]
    if not artifact.exists():
        raise UserError(f"{artifact}, the model of {contender!r}, is gone")
    return Path(artifact)


def _section(recipe: Recipe, name: str | None) -> Section | None:
    """The export that is asked for; None for the archive of elites."""
    fitness = recipe.fitness.name
    own = recipe.registry.names("export", fitness)
    formats = [*own, *([ARCHIVE] if isinstance(recipe.search.options, Diverse) else [])]
    if not formats:
        raise UserError(f"no export belongs to the fitness {fitness}")
    if name is None and len(recipe.exports) == 1:
        return recipe.exports[0]
    if name is None and len(own) > 1:
        raise UserError(f"the fitness {fitness} has several exports; choose one with --format: {', '.join(formats)}")
    name = name or (own or formats)[0]
    if name not in formats:
        raise UserError(f"the fitness {fitness} has no export {name!r}; it has {', '.join(formats)}")
    if name not in own:
        return None
    component = recipe.registry.find("export", name, fitness)
    configured = [section for section in recipe.exports if section.component.options == component.options]
    return configured[0] if configured else Section("export", component, component.options_class())
