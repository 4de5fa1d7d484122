import io
import logging
import re
import subprocess
import sys
import threading

import pytest

from evokit.progress import LineProgress, LiveProgress, ProgressHandler, Totals, logs_as_notes, make_progress


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    """A terminal that can move its cursor, whatever the suite runs in."""
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def lines(stream, clock):
    return LineProgress(stream, clock)


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "30")
    return Terminal()


def plain(text):
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def last_frame(terminal):
    """The rows of the panel that stays, without colours."""
    text = plain(terminal.getvalue())
    return text[text.rindex("╭") :].splitlines()


def row(terminal, label):
    return next(line for line in last_frame(terminal) if label in line)


# --- lines


def test_a_log_reads_as_generation_evaluated_best(lines, stream):
    lines.generation(1, 50)
    lines.evaluated(5, 32, 3, 2, 41.3)
    lines.best(5.80123, "loss", "min")
    assert stream.getvalue() == (
        "Generation 1/50\nEvaluated 5/32 (3 measured, 2 cached), 41 s left\nBest fitness: 5.8012\n"
    )


def test_evaluations_are_told_at_most_every_ten_seconds(lines, stream, clock):
    for _ in range(300):
        lines.evaluated(1, 300, 1, 0, None)
        clock.now += 0.1
    assert stream.getvalue().count("Evaluated") == 3


def test_an_unknown_horizon_and_unknown_time_are_left_out(lines, stream):
    lines.generation(7, None)
    lines.evaluated(1, 2, 1, 0, None)
    assert stream.getvalue() == "Generation 7\nEvaluated 1/2 (1 measured, 0 cached)\n"


@pytest.mark.parametrize("seconds", [float("nan"), float("inf")])
def test_a_time_that_is_no_number_is_left_out(lines, stream, seconds):
    lines.evaluated(1, 2, 1, 0, seconds)
    assert "left" not in stream.getvalue()


def test_nothing_valid_yet_is_said(lines, stream):
    lines.generation(1, 2)
    lines.best(None, "loss", "min")
    assert stream.getvalue().endswith("Best fitness: none yet\n")


def test_outside_of_generations_the_best_is_named_by_its_objective(lines, stream):
    lines.generation(1, 1)
    lines.phase("baselines")
    lines.best(4.5, "validation loss", "min")
    assert stream.getvalue().endswith("Phase: baselines\nBest validation loss: 4.5000\n")


def test_what_is_made_meanwhile_is_told_when_it_changes(lines, stream):
    for names in (["a", "b"], ["a", "b"], ["b"], [], ["b"]):
        lines.beside(names)
    assert stream.getvalue() == "Meanwhile: a, b\nMeanwhile: b\nMeanwhile: b\n"


def test_totals_are_told_once_at_the_end(lines, stream):
    lines.totals(Totals(1, 0, 0, 10.0, 10.0, 5.0))
    lines.totals(Totals(320, 12, 40, 1234.0, 0.0))
    lines.close()
    lines.close()
    assert stream.getvalue() == "In all 320 measured, 12 cached, 40 predicted, 1.23 kJ\n"


def test_energy_is_an_estimate_unless_the_method_says_otherwise(lines, stream):
    lines.totals(Totals(1, 0, 0, 10.0, 10.0))
    lines.close()
    assert stream.getvalue().endswith("10 J (estimate)\n")


def test_each_line_reaches_a_pipe_at_once():
    code = (
        "import sys, time\nfrom evokit.progress import make_progress\n"
        "progress = make_progress(sys.stdout)\nprogress.generation(1, 2)\nsys.stdin.readline()\n"
        "progress.best(32.0, 'ones', 'max')\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "Generation 1/2\n"
    assert process.communicate("\n")[0] == "Best fitness: 32\n"


def test_lines_hold_no_control_characters_and_need_no_rich():
    code = (
        "import sys\nfrom evokit.progress import make_progress\nprogress = make_progress(sys.stdout)\n"
        "progress.phase('search')\nprogress.close()\nassert 'rich' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Phase: search\n"


# --- which display


def test_a_pipe_gets_lines_and_a_terminal_the_live_display(stream, terminal, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(make_progress(stream), LineProgress)
    live = make_progress(terminal)
    live.close()
    assert isinstance(live, LiveProgress)


def test_a_dumb_terminal_gets_lines(terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(make_progress(terminal), LineProgress)


def test_the_caller_may_force_lines(terminal):
    assert isinstance(make_progress(terminal, live=False), LineProgress)


# --- live


@pytest.fixture
def live(terminal, clock):
    progress = LiveProgress(terminal, clock)
    yield progress
    progress.close()


def test_the_display_shows_where_the_run_is(live, terminal, clock):
    live.phase("search")
    live.generation(12, 50)
    live.evaluated(5, 32, 3, 2, 41.0)
    live.pace(41234.0, 1.93, "tokens")
    live.best(6.0, "loss", "min")
    live.best(5.80123, "loss", "min")
    live.totals(Totals(320, 12, 40, 1234.0, 1234.0, 480.0))
    live.note("AdamW step 120/500, loss 6.61, 130 s left")
    clock.now = 134.0
    live._live.refresh()
    text = "\n".join(last_frame(terminal))
    for part in [
        "evokit · search", "12/50", "5/32", "41 s left", "41.2 k/s", "tokens", "1.9 workers busy",
        "5.8012", "█▁", "loss, lower is better",
        "320 measured · 12 cached · 40 predicted · 1.23 kJ (estimate)", "AdamW step 120/500",
        "0:02:14", "about 8 min left", "Ctrl-C saves and stops",
    ]:  # fmt: skip
        assert part in text


def test_the_display_shows_what_is_made_meanwhile_as_long_as_it_is(live, terminal):
    live.beside(["adamw", "sgd"])
    live.phase("search")
    live._live.refresh()
    assert any("meanwhile: adamw, sgd" in line for line in last_frame(terminal))
    live.beside([])
    live._live.refresh()
    assert not any("meanwhile" in line for line in last_frame(terminal))


def test_a_new_phase_clears_what_belonged_to_the_old(live, terminal):
    live.generation(3, 4)
    live.note("old")
    live.phase("final")
    live.close()
    text = "\n".join(last_frame(terminal))
    assert "final" in text
    assert "3/4" not in text
    assert "old" not in text


def test_kept_notes_scroll_by_above_the_panel(live, terminal):
    live.phase("search")
    live.note("3 individuals [diverged]", keep=True)
    live.close()
    text = plain(terminal.getvalue())
    assert "3 individuals [diverged]" in text[: text.rindex("╭")]


def test_closing_gives_the_cursor_back_and_promises_no_more_time(live, terminal):
    live.phase("search")
    live.totals(Totals(1, 0, 0, 1.0, 1.0, 60.0))
    live.close()
    live.close()
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")
    assert "left" not in "\n".join(last_frame(terminal))


def test_an_interrupt_inside_an_event_leaves_the_display_usable(terminal):
    def interrupted_clock():
        raise KeyboardInterrupt

    live = LiveProgress(terminal, lambda: 0.0)
    live._clock = interrupted_clock
    with pytest.raises(KeyboardInterrupt):
        live._live.refresh()
    live._clock = lambda: 0.0
    live.phase("search")
    live.close()
    assert "\x1b[?25h" in terminal.getvalue()


def test_a_display_that_was_told_nothing_leaves_nothing(live, terminal):
    live.close()
    assert plain(terminal.getvalue()[terminal.getvalue().rindex("╯") :]).strip() == "╯"
    assert "\x1b[2K" in terminal.getvalue()[terminal.getvalue().rindex("╯") :]


@pytest.mark.parametrize("columns", ["30", "50", "200"])
def test_the_panel_fits_the_terminal(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    terminal = Terminal()
    live = LiveProgress(terminal, lambda: 0.0)
    live.phase("a phase with quite a long name that has to give way")
    live.generation(12, 50)
    live.evaluated(5, 32, 3, 2, 41.0)
    live.best(5.8, "loss on documents that the search never saw", "min")
    live.totals(Totals(320, 12, 40, 1234.0, 1234.0, 480.0))
    live.note("a note " * 40)
    live.close()
    frame = last_frame(terminal)
    assert {len(line) for line in frame} == {min(int(columns), 80)}
    assert "12/50" in "\n".join(frame)


def test_the_curve_starts_afresh_with_another_objective(live, terminal):
    live.best(9.0, "loss", "min")
    live.best(1.0, "accuracy", "max")
    live.close()
    assert row(terminal, "best").count("▁") == 1
    assert "accuracy, higher is better" in row(terminal, "best")


def test_events_from_several_threads_are_drawn(live, terminal):
    def work(i):
        for j in range(200):
            live.best(float(j), f"objective {i}", "min")
            live.note(f"{i} {j}")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        live._live.refresh()
    for thread in threads:
        thread.join()
    live.close()
    assert "199" in row(terminal, "best")


# --- logging


def test_log_records_become_notes(lines, stream):
    with logs_as_notes(lines):
        logging.getLogger("evokit.baseline").info("AdamW step %d/500, loss 6.61, 130 s left", 120)
        logging.getLogger("evokit").warning("3 individuals diverged")
    assert stream.getvalue() == "AdamW step 120/500, loss 6.61, 130 s left\nWarning: 3 individuals diverged\n"


def test_the_logger_is_left_as_it_was(lines, stream):
    logger = logging.getLogger("evokit")
    before = (logger.level, list(logger.handlers))
    with logs_as_notes(lines):
        pass
    assert (logger.level, list(logger.handlers)) == before


def test_details_are_not_shown(lines, stream):
    with logs_as_notes(lines):
        logging.getLogger("evokit.x").debug("detail")
    assert stream.getvalue() == ""


def test_a_note_that_cannot_be_shown_harms_nobody(lines, stream, monkeypatch):
    monkeypatch.setattr(logging, "raiseExceptions", False)
    stream.close()
    handler = ProgressHandler(lines)
    handler.emit(logging.LogRecord("evokit", logging.INFO, "", 0, "lost", None, None))
