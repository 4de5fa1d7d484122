"""Lets evokit's own modules find what Windows has and no more; Python's library and other packages are left alone.

A folder that holds this file comes first in ``PYTHONPATH``, so that worker processes are of the same kind.
"""

import builtins
import os
import signal
import sys
from types import ModuleType

MISSING = {"fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"}
WITHOUT = {
    "os": "fork forkpty getegid geteuid getgid getloadavg getpgid getpgrp getsid getuid killpg mkfifo nice openpty "
    "pipe2 posix_spawn sched_getaffinity sched_setaffinity setpgid setsid sysconf uname wait3 wait4 O_ASYNC",
    "signal": "SIGALRM SIGCHLD SIGCONT SIGHUP SIGKILL SIGPIPE SIGQUIT SIGSTOP SIGTSTP SIGUSR1 SIGUSR2 alarm pause "
    "pthread_kill pthread_sigmask setitimer sigpending sigtimedwait sigwait",
    "sys": "",
}
OTHER = {"os": {"name": "nt"}, "signal": {}, "sys": {"platform": "win32"}}


class WindowsLike(ModuleType):
    """A module without some of its names, and with other values for some."""

    def __init__(self, module):
        super().__init__(module.__name__)
        self.__dict__["_module"] = module
        self.__dict__["_missing"] = set(WITHOUT[module.__name__].split())
        self.__dict__.update(OTHER[module.__name__])

    def __getattr__(self, name):
        if name in self._missing:
            raise AttributeError(f"Windows has no {self.__name__}.{name}")
        return getattr(self._module, name)


FAKES = {module.__name__: WindowsLike(module) for module in (os, signal, sys)}
import_module = builtins.__import__


def import_as_on_windows(name, globals=None, locals=None, fromlist=(), level=0):
    ours = str((globals or {}).get("__name__", "")).partition(".")[0].startswith("evokit")
    if ours and level == 0:
        if name in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in FAKES:
            return FAKES[name]
    return import_module(name, globals, locals, fromlist, level)


builtins.__import__ = import_as_on_windows
