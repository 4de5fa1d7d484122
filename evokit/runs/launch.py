"""Starting, resuming and repeating runs; finished ones are opened again from their directory."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.assembly.identity import differences, refuse_other_recipe
from evokit.assembly.parts import Parts, assemble, refuse_lacking
from evokit.assembly.warm_start import settled
from evokit.common.files import share
from evokit.errors import RunFailed, UserError, readable
from evokit.genomes.individuals import feasible_value
from evokit.measuring.ledger_files import ledger_of, refuse_other_ledger
from evokit.plugins import raised_in
from evokit.progress import Progress
from evokit.recipe import Recipe, RecipeError, load_recipe
from evokit.runs.openings import vault_opened
from evokit.runs.rehearsal import rehearse, rehearse_measuring
from evokit.runs.repeats import Scores, combine, combined_vault, mean_scores
from evokit.runs.run import Only, Run
from evokit.runs.summary import summarise
from evokit.runs.telling import names_of

log = logging.getLogger("evokit")

OF_THE_SEARCH = (
    "best",
    "generations",
    "stopped",
    "stopped_by",
    "chosen",
    "saved",
    "surrogate",
    "screens",
    "final",
    "verdicts",
    "rival",
)


def default_out(recipe: Recipe) -> Path:
    """``runs/NAME`` for ``NAME.yaml``, so that ``--resume`` finds what the same command began."""
    return Path("runs") / recipe.path.stem


def launch(
    recipe: Recipe,
    out: Path,
    progress: Progress,
    *,
    resume: bool = False,
    only: Only | None = None,
    callbacks: Sequence[Any] = (),
) -> dict[str, Any]:
    """Run a recipe in a directory and return its summary.

    A finished run that is resumed under the same recipe is left as it is; under a longer horizon it goes on, and so
    does one that a callback ended where that is not there any more.

    Args:
        recipe: What to do.
        out: Where.
        progress: What a person sees.
        resume: Whether to go on with what is there.
        only: The part that is done alone; then no callback is told of it.
        callbacks: Told how it goes, beside those that recipe and plugins name: functions of run and generation, or
            objects with some of ``evokit.facts.METHODS``.

    Raises:
        UserError: The directory exists and ``resume`` is False or the other way round, it holds something else or a
            run of another identity, its ledger is gone, or another process is at work there.
        RunFailed: Nothing valid is left, or the directory is damaged or cannot be written.
        KeyboardInterrupt: After everything measured so far was saved.
    """
    directory = RunDirectory(out)
    recipe = settled(recipe, directory)
    with directory.explained():
        if out.exists() or out.is_symlink():
            _admit(directory, recipe, resume)
        elif resume:
            raise UserError(f"{out} does not exist, so there is no run to go on with; leave out --resume to begin one")
        if recipe.repeats > 1:
            done = _finished_repeats(directory, recipe, callbacks)
            return done or _launch_repeats(recipe, directory, progress, only, callbacks)
        return _finished(directory, recipe, callbacks) or _launch_one(recipe, directory, progress, only, callbacks)


def is_done(recipe: Recipe, out: Path) -> bool:
    """Whether a run of this recipe in this place has nothing left to do."""
    directory = RunDirectory(out)
    try:
        return bool((_finished_repeats if recipe.repeats > 1 else _finished)(directory, settled(recipe, directory)))
    except (UserError, RunFailed):
        return False


def open_recipe(folder: Path) -> tuple[Recipe, RunDirectory]:
    """The resolved recipe of a run.

    Raises:
        UserError: This is no run directory.
    """
    directory = RunDirectory(folder)
    if not directory.recipe.exists():
        raise UserError(f"{folder} is no run directory: it has no recipe.yaml")
    return load_recipe(directory.recipe), directory


def open_finished(folder: Path, to: str) -> tuple[Recipe, RunDirectory, dict[str, Any]]:
    """The resolved recipe, the directory and the summary of a finished run.

    Args:
        folder: The run directory.
        to: What the run is finished for, for the message.

    Raises:
        UserError: This is no run directory, the run is not finished, or its ledger is gone.
    """
    recipe, directory = open_recipe(folder)
    summary = directory.read_summary()
    if summary is None or summary["status"] != "done":
        raise UserError(f"{folder} has no finished run to {to}; evokit run ... --resume --out {folder} goes on with it")
    if "repeats" not in summary:
        _refuse_other_ledger(directory, summary)
    return recipe, directory, summary


def _refuse_other_ledger(directory: RunDirectory, summary: Mapping[str, Any]) -> None:
    best = summary["best"]
    refuse_other_ledger(directory.ledger, summary["recipe_digest"], None if best is None else best["key"])


def assemble_all(recipe: Recipe, directory: Path | None = None) -> Parts:
    """Build everything that the recipe names, so that nothing is refused only after hours of search.

    Baselines, final, exports and callbacks are built again when their turn comes.

    Raises:
        RecipeError: With all that these parts refuse.
    """
    refuse_lacking(recipe, recipe.callbacks)
    parts = assemble(recipe, directory)
    final = [recipe.final.section] if recipe.final.section else []
    late = [*recipe.baselines, *recipe.exports, *recipe.callbacks, *final]
    problems: list[str] = []
    for section in late:
        try:
            parts.build(section)
        except RecipeError as error:
            problems += error.problems
    if problems:
        raise RecipeError(problems)
    return parts


def _admit(directory: RunDirectory, recipe: Recipe, resume: bool) -> None:
    """Refuse to go on where something else is, before anything is touched."""
    if not directory.is_run:
        raise UserError(f"{directory.path} is no run directory (it has no recipe.yaml); choose another --out")
    if not resume:
        raise UserError(f"{directory.path} exists already; add --resume to go on with it, or --out for another place")
    if directory.recipe.exists():
        try:
            then = load_recipe(directory.recipe)
        except UserError:
            directory.refuse_lost_ledger()
            return  # a plugin that has moved since: what the ledger holds decides
        refuse_other_recipe(then, recipe)
        directory.refuse_lost_ledger()
        _refuse_shorter(directory, then, recipe)
        _refuse_unsealed(directory, then, recipe)


def _refuse_shorter(directory: RunDirectory, then: Recipe, now: Recipe) -> None:
    """Refuse an end that the search is beyond: recipe and result would contradict each other."""
    horizon = getattr(now.search.options, "generations", None)
    done = len(directory.noted())
    if horizon is not None and horizon < done:
        raise UserError(
            f"{directory.path} has {done:,} generations already, more than search.generations ({horizon:,});"
            f" say {done} or more, or --out for another place"
        )
    before, work = then.stop.work, now.stop.work
    if work is None or (before is not None and before <= work) or not directory.ledger.exists():
        return
    with ledger_of(directory.ledger) as ledger:
        spent = ledger.work("search")
    if spent > work:
        raise UserError(
            f"{directory.path} has spent {spent:,} units of work already, more than stop.work ({work:,});"
            f" say {spent} or more, or --out for another place"
        )


def _refuse_unsealed(directory: RunDirectory, then: Recipe, now: Recipe) -> None:
    """Refuse another end of a search whose models were scored in the vault: it is opened once."""
    changed = [key for key, _ in differences(then, now) if key.startswith(("search.", "stop"))]
    folders = [directory.path, *(repeat_folder(directory.path, repeat) for repeat in range(then.repeats))]
    if changed and any(vault_opened(one) for one in folders):
        raise UserError(
            f"{directory.path} cannot go on under another {', '.join(changed)}: its vault was opened; start a new run "
            "with another --out"
        )


def _launch_one(
    recipe: Recipe, directory: RunDirectory, progress: Progress, only: Only | None, callbacks: Sequence[Any] = ()
) -> dict[str, Any]:
    parts = assemble_all(recipe, directory.path)  # first, so that a recipe with errors leaves no directory
    if absent := getattr(parts.fitness, "absent", ""):
        raise UserError(absent)
    new, asked = not directory.recipe.exists(), {"asked": asked_for(recipe, only)}
    if new:
        rehearse(parts)
        directory.create(recipe)
    with ExitStack() as lock:
        lock.enter_context(directory.lock())
        before = _summary(directory)
        if before is not None and _goes_on(before, recipe, callbacks):
            _refuse_opened(directory)
        run = Run(recipe, directory, progress, parts, callbacks)
        if new and not getattr(parts.fitness, "by_hand", False):
            _rehearse_measuring(run, lock)
        try:
            directory.keep_recipe(recipe)  # after the run has checked that it may go on with this directory
            directory.write_summary(summarise(run, "running") | asked)
            status = "failed"
            try:
                run.execute(only)
                _export(run)
                run.ledger.flush()  # which notices if what the run did is no longer there
                status = "done" if only is None else only
                _show_end(run, progress)
            except KeyboardInterrupt:
                status = "interrupted"
                raise
            except SystemExit as error:
                place = raised_in(error, recipe.registry)
                told = f"sys.exit({error.code!r})" + (f" in {place}" if place else "")
                raise RunFailed(f"a component of the recipe ended the process: {told}") from error
            except Exception as error:
                place = raised_in(error, recipe.registry)
                if not place or isinstance(error, UserError | RunFailed):
                    raise  # with its traceback, if it is ours
                told = f"{place} raised {type(error).__name__}: {readable(str(error))}"
                raise RunFailed(f"{told}; the run cannot go on, everything measured is saved") from error
            finally:
                directory.keep_recipe(recipe)  # which may have been deleted meanwhile
                summary = summarise(run, status) | asked
                if only is not None and before is not None and before["best"] is not None:
                    summary |= {name: before[name] for name in (*OF_THE_SEARCH, "chosen") if name in before}
                summary = directory.write_summary(summary)
                run.telling.end(summary)
            return summary
        finally:
            run.close()


def _rehearse_measuring(run: Run, lock: ExitStack) -> None:
    """Measure a few, to nobody's profit; of a run that this shows to be wrong nothing is left, its lock neither."""
    run.progress.phase("Rehearsal")
    try:
        if failed := rehearse_measuring(run.parts, run.executor):
            log.warning("%s", failed)
    except BaseException:
        run.close()
        lock.close()  # Windows removes no file that is open
        shutil.rmtree(run.directory.path)
        raise


def _show_end(run: Run, progress: Progress) -> None:
    """Leave the champion on the display, not the last baseline."""
    if run.champion is not None:
        progress.phase("Done")
        progress.best(feasible_value(run.champion), run.objective, run.goal)


def _summary(directory: RunDirectory) -> dict[str, Any] | None:
    """What the directory's summary says; a damaged one is about to be written anew."""
    try:
        return directory.read_summary()
    except UserError:
        return None


def _finished(directory: RunDirectory, recipe: Recipe, callbacks: Sequence[Any] = ()) -> dict[str, Any] | None:
    """The summary of a run that has nothing left to do, its baselines included."""
    summary = _summary(directory)
    if summary is None or summary["status"] != "done":
        return None
    if summary["recipe_digest"] != recipe.digest or not _same_file(directory, recipe):
        return None
    if _goes_on(summary, recipe, callbacks):
        return None
    _refuse_other_ledger(directory, summary)
    return summary


def _goes_on(summary: Mapping[str, Any], recipe: Recipe, callbacks: Sequence[Any]) -> bool:
    """Whether a callback ended the search that is not there any more."""
    by = summary.get("stopped_by")
    return by is not None and by not in names_of(recipe, callbacks)


def _refuse_opened(directory: RunDirectory) -> None:
    """Refuse to go on with a search that a callback ended and whose models were scored in the vault."""
    if vault_opened(directory.path):
        raise UserError(
            f"{directory.path} was ended by a callback and cannot go on without it: its vault was opened; start a new"
            " run with another --out"
        )


def _finished_repeats(directory: RunDirectory, recipe: Recipe, callbacks: Sequence[Any] = ()) -> dict[str, Any] | None:
    """The same of a run with repeats: none of them has anything left to do."""
    summary = _summary(directory)
    if summary is None or summary["status"] != "done" or not _same_file(directory, recipe):
        return None
    repeats = ((RunDirectory(repeat_folder(directory.path, n)), _repeat(recipe, n)) for n in range(recipe.repeats))
    return summary if all(_finished(*repeat, callbacks) for repeat in repeats) else None


def _same_file(directory: RunDirectory, recipe: Recipe) -> bool:
    return directory.recipe.exists() and directory.recipe.read_bytes() == recipe.to_yaml().encode()


def _repeat(recipe: Recipe, number: int) -> Recipe:
    return replace(recipe, seed=recipe.seed + number, repeats=1)


def asked_for(recipe: Recipe, only: Only | None) -> list[str]:
    """What followed ``evokit run``, without the place."""
    return [*recipe.asked, *(["--only", only] if only else [])]


def _export(run: Run) -> None:
    champion = run.contest.champion
    for section in run.recipe.exports:
        exporter, out = run.parts.build(section), run.directory.path / "export" / section.name
        if hasattr(exporter, "export_measured"):
            exporter.export_measured(run.ledger.measured_at(run.parts.fitness.budgets[-1]), out)
        elif champion is not None and champion.models:
            exporter.export(run.directory.path / champion.models[0].evaluation.artifact, out)
        share(out)


def _launch_repeats(
    recipe: Recipe, directory: RunDirectory, progress: Progress, only: Only | None, callbacks: Sequence[Any]
) -> dict[str, Any]:
    """The whole pipeline once per seed, each in a directory of its own that resumes by itself."""
    if not directory.recipe.exists():
        assemble_all(recipe)  # a recipe with errors leaves no directory
        directory.create(recipe)
    summaries: list[dict[str, Any]] = []
    scores: list[Scores] = []
    asked = {"asked": asked_for(recipe, only)}
    with directory.lock():
        directory.keep_recipe(recipe)
        for repeat in range(recipe.repeats):
            one = _repeat(recipe, repeat)
            progress.note(f"Repeat {repeat + 1}/{recipe.repeats}, seed {one.seed}", keep=True)
            folder = repeat_folder(directory.path, repeat)
            try:
                summaries.append(launch(one, folder, progress, resume=folder.exists(), only=only, callbacks=callbacks))
            except (KeyboardInterrupt, RunFailed) as error:
                if last := _summary(RunDirectory(folder)):
                    summaries.append(last)
                    scores.append(mean_scores(folder))
                if summaries:
                    ended = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
                    combined = combine(summaries, recipe.repeats, scores)
                    directory.write_summary(combined | asked | {"status": ended})
                raise
            scores.append(mean_scores(folder))
            combined = combine(summaries, recipe.repeats, scores) | asked
            if len(summaries) == recipe.repeats:
                folders = [repeat_folder(directory.path, repeat) for repeat in range(recipe.repeats)]
                combined["vault"] = combined_vault(summaries, folders)
            summary = directory.write_summary(combined)
        directory.keep_recipe(recipe)
    return summary
