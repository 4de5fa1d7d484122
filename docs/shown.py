"""How kept results read: tables, sentences and single figures, with the words that the verdicts have."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pruning_tables
import result_files
import search_tables
import surrogate_tables

from benchmarks.fidelities.command import markdown
from evokit.common.text import counted
from evokit.interfaces import WORK
from evokit.progress.wording import energy
from evokit.results.report import MEASURES, SAYS, edge_lines, p_value

Result = Mapping[str, Any]
NOTHING = "not measured with this version yet"
WIDTH = 118  # of a recipe's header, without "# "
UNITS = {  # of kept results whose fitness did not say
    "gpt2_loss": "tokens",
    "text_classification": "tokens",
    "trained_accuracy": "training steps",
    "digit_networks": "epochs",
}


class Shown:
    """Kept results as Markdown and as comments of recipes; one that is not kept is left out or said not to be there.

    Args:
        results: By name.
        unchanged: Whether the recipe of a result is still what was run.
    """

    def __init__(self, results: Mapping[str, Result], unchanged: Callable[[Result], bool]) -> None:
        self._results, self._unchanged = results, unchanged

    def part(self, kind: str, *words: str) -> str:
        """What a part of a page says.

        Args:
            kind: ``runs``, a row for each in one table; ``run``: where each comes from, contenders and verdicts;
                ``points``, a row for each point of a grid; ``levels``, of verdicts by simulation; ``searches``, of one
                suite of problems; ``surrogates``, of what they save; ``pruning`` and ``rungs``, what a race is
                worth and what it goes by; ``overhead``, what a call costs beside a short function; ``conditional``,
                what was found on a space with conditions; ``fidelities``, how cheaper budgets rank optimizers;
                ``samples``, how finished models go on with a text; ``fronts``, the best first objective within limits
                of the second.
            words: Names of results; of ``points`` one, and what its fitness noted; of ``fronts`` one, and limits.

        Raises:
            KeyError: There is no such kind, or the fitness noted no such thing.
        """
        names = words[:1] if kind in ("points", "fronts") else words
        found = [self._results[name] for name in names if name in self._results]
        if not found:
            return f"*{_capital(NOTHING)}.*"
        if kind in ("overhead", "conditional", "fidelities"):
            return {"overhead": _overhead, "conditional": _conditional, "fidelities": _fidelities}[kind](found[0])
        if kind == "levels":
            return _levels(found[0])
        if kind == "searches":
            return search_tables.tables(found[0])
        if kind == "surrogates":
            return surrogate_tables.tables(found[0])
        if kind in ("pruning", "rungs"):
            return {"pruning": pruning_tables.tables, "rungs": pruning_tables.rungs}[kind](found[0])
        if kind == "points":
            return f"{self._source(found[0])}\n\n{_points(found[0], words[1:])}"
        if kind == "fronts":
            return _fronts(found[0], [float(limit) for limit in words[1:]])
        return {"runs": self._table_of_runs, "run": self._whole_runs, "samples": _samples}[kind](found)

    def figure(self, path: str) -> str:
        """A figure in running text: ``RESULT.FIELD`` or ``RESULT.CONTENDER.FIELD``, such as ``test`` or ``verdict``.

        Raises:
            KeyError: The result is there and has no such contender or field.
        """
        name, *rest = path.split(".")
        if name not in self._results:
            return f"({NOTHING})"
        result = self._results[name]
        return _field(result, *rest) if len(rest) == 2 else _plain(rest[0], result[rest[0]])

    def header(self, *names: str) -> str:
        """The measured lines and the budget of a recipe's header, without the signs of a comment."""
        found = [self._results[name] for name in names if name in self._results]
        if not found:
            return f"{_capital(NOTHING)}."
        lines = [f"Measured {self._origin(one)}. {_capital(_sentence(one))}" for one in found]
        wrapped = [textwrap.fill(line.replace("**", ""), WIDTH, break_on_hyphens=False) for line in lines]
        return "\n".join([*wrapped, *_budget(found[0])])

    def _table_of_runs(self, found: Sequence[Result]) -> str:
        rows = [(f"`{one['command']}`", f"{self._origin(one)}: {_sentence(one)}", _cost(one)) for one in found]
        return _table(("command", "what was found", "time"), rows)

    def _whole_runs(self, found: Sequence[Result]) -> str:
        said = [
            part
            for one in found
            for part in (
                self._source(one),
                _contenders(one),
                *(_verdicts(*contest) for contest in _contests(one)),
                *edge_lines(one),
            )
            if part
        ]
        return "\n\n".join(said)

    def _source(self, one: Result) -> str:
        """What repeats the run, and what a reader wants to know of how it came about."""
        spent = energy(one["energy"]["joules"], one["energy"]["estimated_j"])
        on_machine = one["openings_on_machine"]
        others = f", {counted(on_machine, 'time')} by all runs of that machine so far" if on_machine else ""
        return (
            f"`{one['command']}`, {self._origin(one)}, torch {one['versions'].get('torch', 'not there')}, commit "
            f"{one['commit']}: {_cost(one)}, {spent}; test split opened "
            f"{counted(one['test_openings'], 'time')}{others}."
        )

    def _origin(self, one: Result) -> str:
        """When, where, with which seeds, and whether the recipe is another by now."""
        machine = one["machine"]
        cores = f", {counted(machine['cores'], 'core')}" if machine["cores"] else ""
        seeds = f"{counted(one['repeats'], 'repeat')}" if one["repeats"] else f"seed {one['seeds'][0]}"
        changed = "" if self._unchanged(one) else "; **the recipe has changed since**"
        return f"{one['date']}, {machine['processor']}{cores}, {seeds}{changed}"


def _points(one: Result, noted: Sequence[str]) -> str:
    """The settings of each point of a grid, and what its fitness noted."""
    settings = list(dict.fromkeys(name for point in one["points"] for name in point["settings"]))
    rows = [
        (
            *(str(point["settings"].get(name, "")) for name in settings),
            *(_plain(name, point.get(name)) for name in noted),
        )
        for point in one["points"]
    ]
    return _table([name.replace("_", " ") for name in (*settings, *noted)], rows)


def _fronts(one: Result, limits: Sequence[float]) -> str:
    """The best of the first objective within each limit of the second, of the search and of each control."""
    first, second = one["objectives"]
    signs = [1 if goal == "min" else -1 for goal in one["objectives"].values()]
    names = sorted(one["fronts"][0], key=lambda name: name != "search")

    def told(name: str, limit: float) -> str:
        found = []
        for fronts in one["fronts"]:
            within = [signs[0] * values[0] for values in fronts[name] if signs[1] * values[1] <= signs[1] * limit]
            found += [signs[0] * min(within)] if within else []
        if len(found) < len(one["fronts"]):
            return f"in {len(found)} of {counted(len(one['fronts']), 'run')} alone"
        each = f" ({', '.join(map(number, found))})" if len(found) > 1 else ""
        return f"{number(sum(found) / len(found))}{each}"

    rows = [(f"{limit:,.0f}", *(told(name, limit) for name in names)) for limit in limits]
    bound = "at most" if signs[1] > 0 else "at least"
    return _table((f"{second}, {bound}", *(f"{first}, {name}" for name in names)), rows)


def _overhead(one: Result) -> str:
    """Microseconds an evaluation, evokit's and pymoo's."""
    rows = [(name, *(f"{figure:.0f}" for figure in row.values())) for name, row in one["rows"].items()]
    head = ("us an evaluation", "evokit, CPU", "evokit, by the clock", "pymoo, CPU", "pymoo, by the clock")
    return f"`{one['command']}`, {one['date']}, {one['evaluations']:,} evaluations each:\n\n{_table(head, rows)}"


def _conditional(one: Result) -> str:
    """The best values of so many seeds, evokit's and TPE's."""
    rows = [
        (name, f"{row['median']:,.1f}", "{:,.1f} to {:,.1f}".format(*row["quartiles"]), f"{row['cpu_s']:.1f}")
        for name, row in one["found"].items()
    ]
    head = ("", "median of the best error", "quartiles", "CPU s a run")
    about = f"{one['seeds']} seeds, {one['work']} evaluations each, rank-sum test p = {one['p']:.2g}"
    return f"`{one['command']}`, {one['date']}, {one['processor']}; {about}:\n\n{_table(head, rows)}"


def _fidelities(one: Result) -> str:
    """What each cheaper budget ranks and costs."""
    return f"`{one['command']}`, {one['date']}, {one['processor']}: {markdown(one['fidelities'])}"


def _levels(one: Result) -> str:
    """How often each rule sees a difference that is not there."""
    rows = [
        (
            null["units"],
            f"{null['n_rows']} x {null['n_units']}",
            f"{null['rows']:g}, {null['rest']:g}" if null["n_rows"] > 1 else "",
            *(f"{level:.1%}" for level in null["levels"].values()),
        )
        for null in one["nulls"]
    ]
    head = ("units", "rows x units", "deviation of rows, of the rest", *one["nulls"][0]["levels"])
    return f"`{one['command']}`, {one['date']}, {one['runs']:,} simulated verdicts a row:\n\n{_table(head, rows)}"


def _samples(found: Sequence[Result]) -> str:
    """For each result with samples what they are of, and a row for each model; variants say little more."""
    parts = []
    for one in found:
        written = [entry for entry in (one["champion"], *one["baselines"]) if "sample" in entry]
        if not written:
            continue
        sample = written[0]["sample"]
        about = (
            f"`{one['command']}`, commit {one['commit']}; {sample['n_tokens']} tokens after the beginning of"
            f" {_literal(sample['document'])}, a document of the validation split, each drawn from the"
            f" {sample['top_k']} likeliest at temperature {sample['temperature']:g}, with the same random numbers for"
            " all models:"
        )
        rows = [("*given*", "", _literal(sample["prompt"]))]
        rows += [(entry["name"], number(entry["validation"]), _literal(entry["sample"]["text"])) for entry in written]
        parts.append(f"{about}\n\n{_table(('', 'validation', 'text'), rows)}")
    return "\n\n".join(parts) or f"*{_capital(NOTHING)}.*"


def _literal(text: str) -> str:
    """Any text as Markdown and HTML show it, in one line.

    >>> _literal("a *b*|\\n<c> d")
    'a &#42;b&#42;&#124; ↵ &#60;c&#62; d'
    """
    line = " ↵ ".join(filter(None, (part.strip() for part in text.split("\n"))))
    return re.sub(r"[^\w\s.,;:'’↵()-]|_", lambda found: f"&#{ord(found[0])};", line)


def _contests(one: Result) -> list[tuple[str, Mapping[str, Any]]]:
    """Where the models were compared, with entries and verdicts there; the headlines come from the first."""
    return [("vault", one["vault"]), ("test", one)] if one["vault"] else [("test", one)]


def _contenders(one: Result) -> str:
    """Validation, vault, test, each repeat and costs of champion, controls and baselines."""
    vault = {entry["name"]: _test(entry) for entry in _entries(one["vault"])} if one["vault"] else {}
    rows = []
    for entry in _entries(one):
        each = ", ".join(number(value, entry["interval"]) for value in entry["test_by_seed"]) if one["repeats"] else ""
        values = number(entry["validation"]), vault.get(entry["name"], ""), _test(entry), each
        rows.append((entry["label"], *values, _plain("cpu_s", entry["cpu_s"])))
    costs = f"CPU seconds{' a repeat' if one['repeats'] else ''}, everything included"
    return _table(("", "validation", "vault", "test", "each repeat", costs), rows)


def _verdicts(split: str, contest: Mapping[str, Any]) -> str:
    """Each difference with its interval, and what it was computed from; empty where nothing was tested."""
    rows = [
        (
            verdict["against"],
            _signed(verdict["difference"], verdict["interval"]),
            p_value(verdict["p_holm"]),
            verdict["verdict"],
        )
        for verdict in contest["verdicts"]
    ]
    if not rows:
        return ""
    table = _table(("the champion less", f"difference on {split}, 95 % interval", "p (Holm)", "verdict"), rows)
    methods = "; ".join(dict.fromkeys(verdict["method"] for verdict in contest["verdicts"]))
    return f"{table}\n\nBest on validation, so the rival that counts: {contest['rival']}. Intervals: {methods}."


def _sentence(one: Result) -> str:
    """The champion's value and its verdicts in a sentence, the rivals of one verdict together."""
    if one["points"]:
        values = [point[one["objective"]["name"]] for point in one["points"]]
        return f"{one['objective']['name']} {number(min(values))} to {number(max(values))} over {len(values)} settings."
    split, contest = _contests(one)[0]
    said = []
    if contest["champion"]["test"] is not None:
        said.append(f"{split} value **{_test(contest['champion'])}**")
    elif not one["hypervolume"]:
        controls = "".join(f", {entry['name']} {number(entry['validation'])}" for entry in contest["baselines"])
        said.append(f"{one['objective']['name']} **{number(contest['champion']['validation'])}**{controls}")
    if one["hypervolume"]:
        volumes = ", ".join(f"{name} {number(volume)}" for name, volume in one["hypervolume"].items())
        said.append(f"hypervolume of the front: {volumes}")
    for verdict in one.get("search_verdicts", ()):  # results before 2026-12-01 lack it
        what = MEASURES[verdict["measure"]]
        said.append(f"by {what} the search {SAYS[verdict['verdict']]} {verdict['against']} ({_by(verdict)})")
    rivals = {entry["name"]: entry["test"] for entry in contest["baselines"]}
    for word, says in SAYS.items():
        # Verdicts among variants, such as longer trained models, have other names.
        some = [
            verdict for verdict in contest["verdicts"] if verdict["verdict"] == word and verdict["against"] in rivals
        ]
        if some:
            told = (f"{verdict['against']} ({number(rivals[verdict['against']])}, {_by(verdict)})" for verdict in some)
            said.append(f"{says} {', '.join(told)}")
    return "; ".join(said) + "."


def _by(verdict: Mapping[str, Any]) -> str:
    """``by X [low, high]`` of what is better or worse, else the difference with its sign."""
    if verdict["verdict"] == "no difference shown":
        return _signed(verdict["difference"], verdict["interval"])
    sign = math.copysign(1, verdict["difference"])
    ends = verdict["interval"] and sorted(sign * end for end in verdict["interval"])
    return f"by {number(sign * verdict['difference'], ends)}{_span(ends, _digits(ends), before=' ')}"


def _entries(contest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Champion and baselines, each followed by its variants, with a label for people."""
    for entry in (contest["champion"], *contest["baselines"]):
        untuned = entry["name"] != "champion" and entry["trained"] and entry["settings_tried"] == 1
        remark = " (skipped)" if entry.get("skipped") else " (untuned)" if untuned else ""
        yield {**entry, "label": entry["name"] + remark}
        for variant in entry["variants"]:
            yield {**variant, "label": variant["name"]}


def _field(result: Result, contender: str, field: str) -> str:
    entry = {one["name"]: one for one in _entries(result)}[contender]
    if field == "verdict":
        verdict = {one["against"]: one for one in _contests(result)[0][1]["verdicts"]}[contender]
        return f"{SAYS[verdict['verdict']]} {contender} ({_by(verdict)})"
    return _test(entry) if field == "test" else _plain(field, entry[field])


def _budget(one: Result) -> list[str]:
    """The phases with their jobs, work and CPU seconds, which add up; with repeats the mean of one."""
    n = max(one["repeats"], 1)
    seconds = _whole([phase["cpu_s"] / n for phase in one["phases"]])
    rows = []
    for spent, cpu_s in zip(one["phases"], seconds, strict=True):
        jobs = sorted((int(budget), count) for budget, count in spent["by_budget"].items())
        told = ", ".join(f"{round(count / n):,} at {budget:,}" for budget, count in jobs)
        total = round(sum(count for _, count in jobs) / n)
        # Longer trainings of a winner and fits on the way are more than a budget, what diverges may be less.
        told += f": {round(spent['work'] / n):,}" if jobs else "-"
        rows.append((spent["phase"], f"{total:,}" if jobs else "~", told, f"{cpu_s} s"))
    rows.append(("in all", "", "", f"{sum(seconds)} s"))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    of = f", mean of {n} repeats" if one["repeats"] else ""
    unit = UNITS.get(one["fitness"]) or one.get("work_unit", WORK)
    return [
        f"Budget in jobs, {unit} each and in all, and CPU seconds{of}:",
        *(
            f"  {name:{widths[0]}}  {jobs:>{widths[1]}}  {work:{widths[2]}}  {spent:>{widths[3]}}"
            for name, jobs, work, spent in rows
        ),
    ]


def _whole(values: Sequence[float]) -> list[int]:
    """Values rounded so that their sum is the rounded sum: the largest rests are rounded up.

    >>> _whole([0.4, 0.4, 0.4])
    [1, 0, 0]
    """
    floors = [math.floor(value) for value in values]
    by_rest = sorted(range(len(values)), key=lambda at: floors[at] - values[at])
    for at in by_rest[: round(sum(values)) - sum(floors)]:
        floors[at] += 1
    return floors


def _cost(one: Result) -> str:
    if one["repeats"]:
        return f"{one['cpu_s']:,.0f} CPU s for {counted(one['repeats'], 'repeat')}"
    return f"{one['wall_s']:,.0f} s, {one['cpu_s']:,.0f} CPU s"


def _test(entry: Mapping[str, Any]) -> str:
    if entry["test"] is None:
        return ""
    return number(entry["test"], entry["interval"]) + _span(entry["interval"], _digits(entry["interval"]), before=" ")


def number(value: float | None, interval: Sequence[float] | None = None) -> str:
    """With the decimals that its interval has a use for.

    >>> number(0.01964, [0.0140, 0.0252]), number(4.98392), number(None)
    ('0.0196', '4.984', '')
    """
    return "" if value is None else f"{value:,.{_digits(interval)}f}"


def _signed(value: float, interval: Sequence[float] | None) -> str:
    return f"{value:+,.{_digits(interval)}f}{_span(interval, _digits(interval), before=' ', sign='+')}"


def _span(ends: Sequence[float] | None, digits: int, *, before: str = "", sign: str = "") -> str:
    """An interval, or nothing where there is none or where its ends print the same: one unit, no spread.

    >>> _span([4.8621, 5.1068], 3), _span([5.0, 5.0], 3), _span(None, 3)
    ('[4.862, 5.107]', '', '')
    """
    low, high = (f"{end:{sign},.{digits}f}" for end in ends) if ends else ("", "")
    return "" if low == high else f"{before}[{low}, {high}]"


def _digits(interval: Sequence[float] | None) -> int:
    """Three decimals, or as many as show two digits of half the interval's width, at most five."""
    width = interval[1] - interval[0] if interval else 0.0
    return min(max(3, 2 - math.floor(math.log10(width / 2)) - 1), 5) if width > 0 else 3


def _plain(field: str, value: Any) -> str:
    """Seconds, a count, a measured value or a word for people."""
    if value is None:
        return ""
    if field.endswith("_s"):
        return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"
    return f"{value:,}" if isinstance(value, int) else number(value) if isinstance(value, float) else str(value)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown without the columns in which no row has anything."""
    used = [column for column in range(len(head)) if any(row[column] for row in rows)]
    lines = [[line[column] for column in used] for line in (head, ["---"] * len(head), *rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def shown() -> Shown:
    return Shown(result_files.all_results(), result_files.unchanged)
