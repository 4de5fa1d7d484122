"""A run's summary as text for a terminal, at most ``WIDTH`` characters wide."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from evokit.assembly.jobs import AGAIN
from evokit.common.text import Table, counted, table, wrapped
from evokit.progress import duration, number
from evokit.results.archive_text import archive_text
from evokit.results.cost_text import cost_remark, cost_tables, energy_text, unit_of
from evokit.results.entries import entries, vault_entries, with_variants
from evokit.results.front_text import front_text
from evokit.runs.found import State
from evokit.runs.register import spoken
from evokit.runs.repeats import ENDED

LARGEST = 12  # constraints that are told
MEASURES = {"value": "its best value", "hypervolume": "hypervolume", "qd_score": "QD score"}
SAYS = {
    "better": "is better than",
    "worse": "is worse than",
    "no difference shown": "shows no difference from",
}


def report(summary: Mapping[str, Any], now: State | None = None) -> str:
    """What a run found, in the order in which a reader doubts it.

    Args:
        summary: Of the run.
        now: Its state if it may be under way or killed, of which the summary cannot know.
    """
    summary, best_so_far = current(summary, now)
    contenders = list(entries(summary))
    value_of = chosen_by(summary)
    shown = summary["best"]["show"] if summary["best"] and best_so_far is None else ""
    found = "\n".join([*map(wrapped, found_lines(summary, best_so_far)), *([shown] if shown else [])])
    sets = (front_text(summary), archive_text(summary), *_tables(search_tables(summary)))
    parts = ["\n".join(map(wrapped, head_lines(summary))), found, *sets]
    if contenders:
        parts += _tables(contest_tables(contenders, summary["verdicts"], "test", value_of))
        parts.append("\n".join(map(wrapped, _verdicts(summary))))
        parts += _vault(summary["vault"]) if summary.get("vault") else []
        parts += [f"{title}:\n{text}" for title, text in controls_shown(contenders)]
        parts += [*_tables(cost_tables(summary, contenders)), wrapped(cost_remark(contenders))]
    parts.append("\n".join(map(wrapped, in_all_lines(summary))))
    return "\n\n".join(part for part in parts if part)


def current(summary: Mapping[str, Any], now: State | None) -> tuple[Mapping[str, Any], str | None]:
    """The summary as of now; of a run that may be under way also its best so far in words, else None."""
    if now is None:
        return summary, None
    summary = {**summary, "status": now.status, "generations": now.generations}
    return summary, _so_far(summary, now.best) if now.status in ("running", "crashed") else None


def chosen_by(summary: Mapping[str, Any]) -> str:
    """What the values are that contenders were chosen by: of a split, or with no data of the first objective alone."""
    name = "validation" if summary["data"] else summary["objective"]["name"]
    alone = " alone" if len(summary["objectives"]) > 1 else ""
    repeats = summary.get("repeats", ())
    ended = all(one.get("status", "done") in ENDED for one in repeats)  # runs before 2026-12-01 lack it
    return f"{name}{alone}{f', mean of {len(repeats)} repeats' if ended and len(repeats) > 1 else ''}"


def contest_tables(
    entries: Iterable[tuple[str, Mapping[str, Any]]],
    verdicts: Sequence[Mapping[str, Any]],
    split: str,
    value_of: str = "validation",
) -> list[Table]:
    """Values that all were chosen by and those on a split, and the champion against each; what says something."""
    rows = [_quality(*entry) for entry in with_variants(entries)]
    against = ("the champion against", "difference", "95 % interval", "over seeds or repeats", "p (Holm)", "verdict")
    tables = [Table(("", value_of, split, "95 % interval"), rows)] if any(any(row[1:]) for row in rows) else []
    return [*tables, *([Table(against, list(map(_compared, verdicts)))] if verdicts else [])]


def search_tables(summary: Mapping[str, Any]) -> list[Table]:
    """With repeats, and nothing tested, what the search found against what controls found."""
    judged = summary.get("search_verdicts", ())  # runs before 2026-12-01 lack it
    rows = [(MEASURES[one["measure"]], _better(one), *_differs(one)) for one in judged]
    head = ("by", "", "the search against", "difference", "95 % interval", "p (Holm)", "verdict")
    return [Table(head, rows)] if rows else []


def search_lines(summary: Mapping[str, Any]) -> list[str]:
    """The same in sentences."""
    return [
        f"by {MEASURES[one['measure']]} the search {SAYS[one['verdict']]} {one['against']}: "
        f"{one['difference']:+.4g}{interval_text(one['interval'], before=' ')} ({_better(one)}), "
        f"n = {one['n']:,} repeats"
        for one in summary.get("search_verdicts", ())
    ]


def controls_shown(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, str]]:
    """A title and the champion of each control, for people."""
    return [(f"What {entry['name']} found", entry["show"]) for _, entry in entries if entry["show"]]


def _tables(tables: Iterable[Table]) -> list[str]:
    return [table(*one) for one in tables]


def _vault(vault: Mapping[str, Any]) -> list[str]:
    """What the part of the test split that was kept says, under a heading of its own."""
    said = "\n".join(map(wrapped, [*_rival_verdict(vault), *method_lines(vault["verdicts"]), *opening_lines(vault)]))
    return [f"{vault_title(vault)}:", *_tables(vault_tables(vault)), said]


def vault_title(vault: Mapping[str, Any]) -> str:
    return f"The vault, opened at {vault['opened_at']}"


def vault_tables(vault: Mapping[str, Any]) -> list[Table]:
    """As ``contest_tables``, of what the vault says."""
    return contest_tables(vault_entries(vault), vault["verdicts"], "vault")


def head_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    seeds = _repeats(summary) if "repeats" in summary else f"seed {summary['seed']}"
    some = "repeats" in summary and summary["status"] not in ENDED  # then what stopped is but one of them
    stopped = f" (stopped: {summary['stopped']})" if summary["stopped"] and not some else ""
    yield f"{summary['recipe']}: {summary['status']}, {seeds}, {counted(summary['generations'], 'generation')}{stopped}"
    if chosen := summary.get("chosen"):
        yield chosen
    if data := summary["data"]:
        splits = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in data["splits"].items())
        yield f"Data: {data['name']} from {data['source']} ({splits})"
        if overlap := data.get("overlap"):
            yield f"Overlap: {overlap}"


def _repeats(summary: Mapping[str, Any]) -> str:
    ended = sum(one.get("status", "done") in ENDED for one in summary["repeats"])  # runs before 2026-12-01 lack it
    planned = summary.get("repeats_planned", len(summary["repeats"]))  # runs before 2026-11-28 lack it
    at_work = " and a part of the next" if ended < len(summary["repeats"]) else ""
    return counted(ended, "repeat") if ended == planned else f"{ended} of {counted(planned, 'repeat')}{at_work}"


def _so_far(summary: Mapping[str, Any], best: float | None) -> str:
    name = summary["objective"]["name"]
    shown = "nothing valid was measured yet" if best is None else f"best so far: {name} {number(best)}"
    return f"No champion is named before the end; {shown}."


def found_lines(summary: Mapping[str, Any], best_so_far: str | None = None) -> list[str]:
    """What the search found; of a run under way its best so far, which names no champion."""
    best = summary["best"]
    if best_so_far is not None:
        return [best_so_far]
    if best is None:
        counts = summary["evaluations"]
        return [f"No champion is named yet: {counts['measured']:,} measured, {counts['failed']:,} of them failed."]
    return list(_found(summary, best))


def _found(summary: Mapping[str, Any], best: Mapping[str, Any]) -> Iterator[str]:
    objective, counts = summary["objective"], summary["evaluations"]
    direction = "lower" if objective["goal"] == "min" else "higher"
    first, born = best["values"][0], best["generation"]
    name = "Best measured" if first == summary["best_measured"] else "Champion"
    if best.get("violation"):
        name = "Nobody is feasible. The one that violates least"
    yield (
        f"{name}: {objective['name']} {number(first)} ({direction} is better), "
        f"found in generation {born + 1}, key {best['key'][:8]}"
    )
    if (n := len(summary.get("repeats", ()))) > 1:
        yield (
            f"Individuals shown here and their counts are those of the repeat with seed {summary['seed']}, whose"
            f" champion has the best value of {n}."
        )
    yield from _feasibility(summary.get("constraints"), best)
    if best["confirmed"] is not None:
        beyond = f", which violates constraints by {number(over)}" if (over := best.get("confirmed_violation")) else ""
        yield f"{_confirmed(best)}: {objective['name']} {number(best['confirmed'])}{beyond}"
        if first != (own := summary["best_measured"]) and own is not None:
            yield (
                "The choice was made on fresh measurements: there the search's own best, "
                f"{objective['name']} {number(own)} in the search, was behind it."
            )
    claimed = summary["would_have_reported"]
    if claimed is not None and claimed != summary["best_measured"]:
        yield f"Had predictions counted as measurements, this run would have reported {number(claimed)}."
    by_budget = counts["by_budget"]
    budgets = ", ".join(f"{n:,} at budget {int(budget):,}" for budget, n in by_budget.items())
    yield (
        f"Evaluations: {counts['measured']:,} measured{f' ({budgets})' if len(by_budget) > 1 else ''}, "
        f"{counts['cached']:,} cached, {_reused(counts)}"
        f"{counts['predicted']:,} predicted and not measured in full, {counts['failed']:,} failed"
    )
    if failures := summary.get("failures"):  # runs before 2026-11-28 do not say
        first = failures[0]
        said = f": {' '.join(first['message'].split()):.200}" if first["message"] else ""
        yield f"Most of those that failed, {first['n']:,}: {first['outcome']}{said}"
    if summary.get("unconfirmed"):
        yield (
            f"Chance has a part in this fitness, and the best of {counts['measured']:,} values flatters it: "
            "`confirm: {top: 8}` in the recipe measures the best again on what the search never saw."
        )
    for one in summary.get("callbacks_failed", ()):
        times = f", {one['times']:,} times" if one["times"] > 1 else ""
        yield f"Callback {one['callback']} raised{times}: {one['message']}"
    yield from screen_lines(summary)
    if saved := summary.get("saved"):
        total = saved["generations"] + summary["generations"]
        yield (
            f"Stopping early saved {saved['generations']:,} of {counted(total, 'generation')}: at the mean cost of "
            f"those that ran, {saved['work']:,} {unit_of(summary)} and {saved['cpu_s']:.1f} CPU s (estimate)"
        )


def _feasibility(constraints: Mapping[str, int] | None, best: Mapping[str, Any]) -> Iterator[str]:
    """How many of the measured are feasible, and where the best one stands."""
    if constraints is None:
        return
    yield f"Feasible: {constraints['feasible']:,} of {constraints['measured']:,} that have values"
    told = sorted(best["constraints"].items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} {number(value)}" for name, value in told[:LARGEST])
    rest = f" and {len(told) - LARGEST:,} more" if len(told) > LARGEST else ""
    yield f"Its constraints (above 0 is too much): {shown}{rest}"


def _reused(counts: Mapping[str, Any]) -> str:
    """How many took the values of one that does the same, if any did."""
    return f"{counts['reused']:,} reused from others that do the same, " if counts.get("reused") else ""


def _confirmed(best: Mapping[str, Any]) -> str:
    """How a champion's value on fresh data came about; that of the choice itself is the best of several."""
    if best.get("confirmed_on") == AGAIN:
        return "Measured again on what neither the search nor the choice of the champion saw"
    if best.get("confirmed_of") == 1:
        return "Measured again on what the search never saw"
    several = best.get("confirmed_of", "several")  # runs before 2026-11-28 do not say of how many
    return f"Best of {several} on what the search never saw, which flatters it"


def screen_lines(summary: Mapping[str, Any]) -> list[str]:
    """A sentence for each screen."""
    return [_screened(one, unit_of(summary)) for one in summary["screens"]]


def _screened(screen: Mapping[str, Any], unit: str) -> str:
    if screen["screen"] == "race":
        return f"Race: {screen['dropped']:,} dropped before full budget; all its rungs took {screen['work']:,} {unit}"
    if screen["screen"] != "surrogate":
        return f"{screen['screen']}: " + ", ".join(f"{name} {value}" for name, value in screen.items())
    text = f"Surrogate: {screen['screened_out']:,} spared a measurement, for {screen['fit_s']:.1f} s of fitting"
    if screen["audit"]:
        last = screen["audit"][-1]
        low, high = last["interval"]
        aside = sum(one["stepped_aside"] for one in screen["audit"])
        text += (
            f". Its predictions' rank correlation with the last {last['n']} measured at random was "
            f"{last['rank_correlation']:.2f} [{low:.2f}, {high:.2f}]"
        )
        if aside:
            text += f"; where it was too low, in {aside} of {len(screen['audit'])} generations, all were measured"
    return text


def _quality(label: str, entry: Mapping[str, Any]) -> tuple[str, ...]:
    return label, value(entry["validation"]), value(entry["test"]), span(entry["interval"])


def span(interval: Sequence[float] | None) -> str:
    """
    >>> span([1.0, 2.5]), span(None)
    ('[1, 2.5000]', '')
    """
    return "" if interval is None else "[{}, {}]".format(*map(number, interval))


def p_value(one: float | None) -> str:
    """
    >>> p_value(0.0123), p_value(0.0), p_value(None)
    ('0.012', '< 1e-16', '')
    """
    return "" if one is None else "< 1e-16" if one < 1e-16 else f"{one:.2g}"


def value(one: float | None) -> str:
    """A number, or nothing if there is none."""
    return "" if one is None else number(one)


def _compared(one: Mapping[str, Any]) -> tuple[str, ...]:
    against, difference, interval, *sure = _differs(one)
    over_seeds = interval_text(one.get("over_seeds"))  # of runs before 2026-11-28, whose verdicts had two intervals
    return (against, difference, interval, over_seeds, *sure)


def _differs(one: Mapping[str, Any]) -> tuple[str, ...]:
    difference, p = f"{one['difference']:+.4g}", p_value(one["p_holm"])
    return one["against"], difference, interval_text(one["interval"]), p, one["verdict"]


def interval_text(ends: Sequence[float] | None, before: str = "") -> str:
    return "" if ends is None else before + "[{:+.4g}, {:+.4g}]".format(*ends)


def _verdicts(summary: Mapping[str, Any]) -> Iterator[str]:
    yield from _rival_verdict(summary)
    yield from same_lines(summary)
    yield from edge_lines(summary)
    yield from repaid_lines(summary)
    yield from method_lines(summary["verdicts"])
    yield from test_lines(summary)
    yield from skipped_lines(summary)


def _rival_verdict(judged: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"Verdict: {said(judged, one)}" for one in judged["verdicts"] if one["against"] == judged["rival"])


def said(judged: Mapping[str, Any], one: Mapping[str, Any]) -> str:
    """A verdict in words, with its difference, its interval and how many units it rests on.

    Args:
        judged: The summary, or its vault, which names the rival that counts.
        one: Of its verdicts.
    """
    rival = ", the best baseline on validation" if one["against"] == judged["rival"] else ""
    return (
        f"the champion {SAYS[one['verdict']]} {one['against']}{rival}: "
        f"{one['difference']:+.4g}{interval_text(one['interval'], before=' ')} ({_better(one)}), n = {one['n']:,}"
    )


def _better(one: Mapping[str, Any]) -> str:
    """Whether lower or higher is better, with which the method of a verdict ends."""
    return str(one["method"].rpartition("; ")[2])


def same_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Which searches ended with the champion's own individual, as people are shown both."""
    shown = summary["best"]["show"] if summary["best"] else None  # repeats show none
    if shown and (same := [one["name"] for one in summary["baselines"] if one.get("show") == shown]):
        yield f"The same individual as the champion was found by {' and '.join(same)}."


def repaid_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """After how many trainings the search is repaid."""
    for entry in summary["baselines"]:
        if entry["break_even"] is not None:
            yield _repaid(entry["name"], entry["break_even"], unit_of(summary))


def edge_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Whose best setting lies where nothing beyond was tried, so that a verdict may be the grid's doing."""
    found = [(one["name"], one.get("at_edge")) for one in summary["baselines"]]  # earlier runs do not say it
    told = [f"{name} {', '.join(edges)}" for name, edges in found if edges]
    if told:
        yield f"Tuned to the edge of what was tried, so that a wider grid may be better: {'; '.join(told)}."


def method_lines(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the verdicts are over and speak of."""
    if verdicts:
        yield f"({verdicts[0]['method']})"
    if any("over_seeds" in one for one in verdicts):
        yield "These verdicts are of an earlier version, of two intervals, and err more often than 5 %."


def test_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """How often the test split was opened, here and by other runs."""
    if summary["test_openings"]:
        yield f"The test split was opened {counted(len(summary['test_openings']), 'time')}."
        yield from opening_lines(summary)
    elif summary["status"] == "done" and summary["data"] and (summary["final"] or {}).get("artifacts"):
        asked = shlex.join(summary.get("asked") or ["RECIPE"])
        yield "The test split is sealed. To open it for these models, where RUN is the run's directory:"
        yield f"  evokit run {asked} --out RUN --resume --set final.test=true"


def skipped_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    """Which baselines did not take part, and why."""
    for entry in summary["baselines"]:
        if entry["skipped"]:
            yield f"{entry['name']} was skipped: {entry['skipped']}"


def opening_lines(opened: Mapping[str, Any]) -> Iterator[str]:
    """Who opened the same units, as far as the machine's register knows."""
    register = opened.get("register")  # runs before 2026-11-28 lack it
    if register is None:
        return
    if register["problem"]:
        yield f"Openings of it by other runs were not counted: {register['problem']}"
        return
    yield (
        f"It, or a part of it, was opened {counted(register['openings'], 'time')} on this machine up to then: "
        f"{spoken(register)}. Not counted: other machines, other users, and what was opened before this register began."
    )


def _repaid(name: str, found: Mapping[str, Any], unit: str) -> str:
    most = "at most " if found["bound"] else ""
    return (
        f"In place of tuned {name}, the search is repaid after {most}{counted(found['trainings'], 'training')}: each "
        f"saves {'at least ' if found['bound'] else ''}{found['saved']:,.0f} {unit} for the same test value."
    )


def in_all_lines(summary: Mapping[str, Any]) -> Iterator[str]:
    joules = summary["energy"]
    if math.isnan(summary["wall_s"]):
        spent = "not known, for it was stopped before that was saved"
    else:
        spent = f"{duration(summary['wall_s'])}, {summary['cpu_s']:.1f} CPU s, {energy_text(joules, 'joules')}"
    of = f" of {_repeats(summary)}" if "repeats" in summary else ""
    once = ", what is shared counted once" if of or summary.get("prepare", {}).get("parts") else ""
    test = ", the test included" if summary["test_openings"] else ""
    yield f"In all{of}{once}{test}: {spent}"
    yield f"Energy: {joules['method']}; {joules['formula']}"
    beside = [(one["name"], one["beside_s"]) for one in summary["baselines"] if one.get("beside_s")]
    if beside:
        told = ", ".join(f"{name} for {duration(seconds)}" for name, seconds in beside)
        yield (
            f"Made while others were at work, which had fewer workers meanwhile: {told}. Such wall seconds are in the"
            " rows of both and count once in all. Work side by side may take more CPU seconds than alone;"
            " execution.beside: false measures one after the other."
        )
