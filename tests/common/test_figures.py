"""Figures: drawn without a display, the same bytes for the same values."""

from __future__ import annotations

from pathlib import Path

import pytest

from evokit.common.figures import panels, save


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_figure_is_the_same_bytes_when_drawn_again(tmp_path: Path, suffix: str) -> None:
    drawn = []
    for name in ("a", "b"):
        figure, (left, right) = panels(2)
        left.plot([1, 2], [3, 1], label="loss")
        right.set_xscale("log")
        left.legend()
        save(figure, tmp_path / f"{name}.{suffix}")
        drawn.append((tmp_path / f"{name}.{suffix}").read_bytes())
    assert drawn[0] == drawn[1]
    assert len(drawn[0]) > 1000
