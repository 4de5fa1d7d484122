"""The picture on the first page: what the main job's models lose on text that no search saw, against what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

from evokit.common.charts import WIDTH, Series, line_chart

NAMES = {  # of contenders, as a newcomer reads them; the last lies below the others
    "champion": "crystals grown as evolution chose, no gradient",
    "random_search": "crystals grown as chance chose, equal work",
    "closed_form": "closed form without crystals",
    "adamw": "AdamW at the paper's setting, 500 steps",
}
LINE = 17  # of the legend


def main_job(result: Mapping[str, Any]) -> str:
    """An SVG file, for light and dark pages.

    Args:
        result: Kept of a run of ``recipes/clso_gpt2.yaml``.
    """
    scored = result["vault"] or result
    values = {one["name"]: one for one in (scored["champion"], *scored["baselines"])}
    seconds = {one["name"]: one["cpu_s"] for one in (result["champion"], *result["baselines"])}
    series = []
    for name, label in NAMES.items():
        at, one = seconds[name], values[name]
        series.append(Series(label, [(at, one["test"])], "points"))
        series.append(Series(label, [(at, end) for end in one["interval"]]))
    chart = line_chart("Loss against CPU seconds", series, x="CPU seconds, everything included", y="loss, nats a token")
    assert chart is not None
    inner = chart.svg.partition(">")[2].removesuffix("</svg>")
    height = float(chart.svg.split('viewBox="')[1].split('"')[0].split()[3])
    for row, (look, name) in enumerate(chart.legend):
        y = height + LINE * row + 8
        inner += f'<circle class="{look} dot" cx="62" cy="{y - 4}" r="4"/><text x="72" y="{y}">{escape(name)}</text>'
    about = f"{chart.title}. {chart.description}"
    return framed(about, inner, WIDTH, height + LINE * len(chart.legend))


def framed(about: str, inner: str, width: float, height: float) -> str:
    """A file with what is drawn, in the colours of reports.

    Args:
        about: What it shows, for those who do not see it.
        inner: Elements of SVG.
        width: Of the drawing.
        height: Of the drawing.
    """
    style = files("evokit.results.page").joinpath("style.css").read_text("utf-8")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escape(about)}</title><style>{style}svg {{ font-family: system-ui, sans-serif; }}</style>"
        f'<rect width="100%" height="100%" style="fill: var(--ground)"/>{inner}</svg>\n'
    )
