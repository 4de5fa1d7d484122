"""``evokit unseal``: score the frozen models of a finished run on its vault, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evokit.assembly.directory import file_digest, repeat_folder
from evokit.assembly.jobs import CHAMPION
from evokit.assembly.parts import assemble
from evokit.common.cores import set_threads
from evokit.errors import UserError
from evokit.interfaces import Contender, Evaluation
from evokit.progress import Progress
from evokit.results.verify import contenders_of
from evokit.runs.contest import Contest, Entry
from evokit.runs.launch import open_finished
from evokit.runs.openings import vault_opened
from evokit.runs.register import UNSEAL, earlier
from evokit.runs.repeats import combined_vault
from evokit.runs.resources import Resources
from evokit.runs.summary import scored, told
from evokit.runs.tuning import Model

OF_AN_ENTRY = (
    "name",
    "validation",
    "goal",
    "seeds",
    "skipped",
    "trained",
    "settings_tried",
)  # of an entry of the summary


def unseal(folder: Path, progress: Progress) -> dict[str, Any]:
    """Open the vault of a finished run and return its summary, which then has ``vault``.

    What was opened before is answered from what was written then; an unsealing that was interrupted goes on.

    Args:
        folder: The run directory. Of a run with repeats the vault of each is opened.
        progress: Is told what happens, and who opened these units before.

    Raises:
        UserError: There is no finished run, it has no vault or no models, a model is not the one that was frozen, or
            the run was made under another identity.
        RunFailed: The directory is damaged or cannot be written.
    """
    _, directory, summary = open_finished(folder, "unseal")
    with directory.explained(), directory.lock():
        if summary.get("vault"):
            at = summary["vault"]["opened_at"]
            progress.note(f"The vault was opened at {at}; nothing is scored again.", keep=True)
            return summary
        if "repeats" not in summary:
            return _unsealed(folder, progress)
        folders = [repeat_folder(folder, repeat) for repeat in range(len(summary["repeats"]))]
        summaries = [_unsealed_repeat(one, progress, first=one == folders[0]) for one in folders]
        return directory.write_summary(summary | {"vault": combined_vault(summaries, folders)})


def _unsealed_repeat(folder: Path, progress: Progress, *, first: bool) -> dict[str, Any]:
    _, directory, summary = open_finished(folder, "unseal")
    with directory.lock():
        return summary if summary.get("vault") else _unsealed(folder, progress, first=first)


def _unsealed(folder: Path, progress: Progress, *, first: bool = True) -> dict[str, Any]:
    """Open the vault of a single run. Only the first of several repeats tells who did so before them."""
    recipe, directory, summary = open_finished(folder, "unseal")
    parts = assemble(recipe, directory.path)
    if parts.data is None or parts.data.vault is None:
        raise UserError(f"{folder} has no vault; a recipe keeps one with data: {{..., vault: 0.5}}")
    if not (summary["final"] and summary["final"]["artifacts"]):
        raise UserError(f"{folder} has no finished model of its champion to score")
    if at := vault_opened(folder):
        progress.note(f"The vault was opened at {at}; what was not scored then is scored now.", keep=True)
    run = Resources(recipe, directory, progress, parts)
    try:
        contest = _entered_again(run, summary)
        _refuse_changed(run, contest.entries)
        set_threads(recipe.execution.threads)
        contest.open(UNSEAL, parts.data.vault, summary["recipe"])
        assert contest.register is not None
        if first and (before := earlier(contest.register, summary["recipe"])):
            progress.note(before, keep=True)
        progress.phase("Vault")
        contest.judge(parts.data.vault, "vault")
        opened_at = next(at for number, _, at in run.ledger.openings() if number == contest.opening)
        return directory.write_summary(summary | {"vault": {"opened_at": opened_at, **_told(contest, summary)}})
    finally:
        run.close()


def _entered_again(run: Resources, summary: Mapping[str, Any]) -> Contest:
    """The contest of a finished run, as its summary has it, not yet scored."""
    contest, contenders = Contest(run), contenders_of(run.parts)
    contest.champion = _entry(summary["final"], contenders[CHAMPION])
    contest.baselines = [_entry(one, contenders.get(one["name"])) for one in summary["baselines"]]
    return contest


def _entry(one: Mapping[str, Any], contender: Contender | None) -> Entry:
    models = [
        Model(seed, one["settings"], Evaluation((one["validation"],), artifact=artifact))
        for seed, artifact in zip(one["seeds"], one["artifacts"], strict=True)
    ]
    variants = {
        variant["name"].removeprefix(f"{one['name']}, "): _entry(variant, contender) for variant in one["variants"]
    }
    return Entry(one["name"], "", contender, models, variants=variants)


def _refuse_changed(run: Resources, entries: Sequence[Entry]) -> None:
    """Let no other file than a frozen one be scored."""
    frozen = {(name, seed, artifact): digest for name, seed, artifact, digest in run.ledger.frozen()}
    for entry in entries:
        for model in entry.models:
            path = run.directory.path / model.evaluation.artifact
            if not path.exists():
                raise UserError(f"{path} is gone: the vault stays closed")
            if file_digest(path) != frozen.get((entry.name, model.seed, model.evaluation.artifact)):
                raise UserError(f"{path} is not the model that was frozen: the vault stays closed")


def _told(contest: Contest, summary: Mapping[str, Any]) -> dict[str, Any]:
    """The part ``vault`` of a summary: its entries with values in the vault in place of those of the test."""
    assert contest.champion is not None
    return {
        "final": _told_entry(contest.champion, summary["final"]),
        "baselines": [
            _told_entry(entry, one) for entry, one in zip(contest.baselines, summary["baselines"], strict=True)
        ],
        "rival": summary["rival"],
        "verdicts": [told(one) for one in contest.verdicts],
        "register": contest.register,
    }


def _told_entry(entry: Entry, one: Mapping[str, Any]) -> dict[str, Any]:
    variants = zip(entry.variants.values(), one["variants"], strict=True)
    return {
        **{key: one[key] for key in OF_AN_ENTRY},
        **scored(entry),
        "variants": [_told_entry(*pair) for pair in variants],
    }
