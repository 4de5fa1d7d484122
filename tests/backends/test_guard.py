import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from evokit.backends import guard


@given(st.lists(st.integers(1, 9), unique=True), st.data())
def test_those_that_were_told_to_be_gone_are_not_living(started, data):
    gone = data.draw(st.sets(st.sampled_from(started))) if started else set()
    lines = [f"+{pid}\n" for pid in started] + [f"-{pid}\n" for pid in gone]
    assert guard.living(lines) == set(started) - gone


def test_whole_groups_are_killed_when_the_pipe_ends():
    script = "import subprocess, sys, time; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    one, other = (
        subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True)
        for _ in range(2)
    )
    with one, other:
        assert one.stdout.readline()
        assert other.stdout.readline()
        said = f"+{one.pid}\n+{other.pid}\n-{other.pid}\n+99999999\n"
        subprocess.run([sys.executable, "-I", "-S", guard.__file__], input=said, text=True, check=True, timeout=20)
        assert one.wait(5) == -9
        assert one.stdout.read() == ""  # its child held the pipe open
        assert other.poll() is None
        guard_again = [sys.executable, "-I", "-S", guard.__file__]
        subprocess.run(guard_again, input=f"+{other.pid}\n", text=True, check=True, timeout=20)
        assert other.stdout.read() == ""
