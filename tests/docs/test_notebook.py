"""The notebook's cells run, and say what stands under them."""

import ast
import contextlib
import io
import json

import pytest

from .conftest import ROOT

NOTEBOOK = ROOT / "docs" / "notebooks" / "first_steps.ipynb"


def test_cells_say_what_stands_under_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    cells = [one for one in json.loads(NOTEBOOK.read_text())["cells"] if one["cell_type"] == "code"]
    for cell in cells:
        printed, value = _run("".join(cell["source"]), names)
        if "varies" in cell["metadata"].get("tags", ()):
            _refuse_unshown(value)
            continue
        said = {}
        for output in cell["outputs"]:
            told = output.get("data", {}).get("text/plain", output.get("text", ""))
            said[output["output_type"]] = "".join(told)
        assert said.get("execute_result", "None") == repr(value)
        if "stream" in said:
            assert said["stream"] == printed


def test_it_was_left_as_it_ran():
    cells = [one for one in json.loads(NOTEBOOK.read_text())["cells"] if one["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output["output_type"] == "error" for cell in cells for output in cell["outputs"])
    pictures = [output for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert len(pictures) == 2


def _run(source, names):
    """What a cell prints, and the value of its last line."""
    body = ast.parse(source)
    last = body.body.pop() if isinstance(body.body[-1], ast.Expr) else None
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(body, "cell", "exec"), names)
        value = None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return printed.getvalue(), value


def _refuse_unshown(value):
    shown = [getattr(value, name, lambda: None)() for name in ("_repr_html_", "_repr_png_")]
    if not any(shown):
        assert type(value).__name__ == "Solution", f"nothing is seen of {value!r}"


@pytest.mark.parametrize("page", ["python", "index"])
def test_a_page_leads_to_it(page):
    assert "(notebooks/first_steps.ipynb)" in (ROOT / "docs" / f"{page}.md").read_text()
