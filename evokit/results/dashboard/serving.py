"""The dashboard's server, for browsers on this machine alone."""

from __future__ import annotations

import socket
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.errors import UserError
from evokit.recipe.schema import Recipe

if TYPE_CHECKING:
    import uvicorn

EXTRA = "dashboard"
HOST = "127.0.0.1"
PORT = 8321
LEFT_S = 1  # to answers that are being made when the server is to end


def require_server() -> None:
    """Refuse where nothing serves.

    Raises:
        UserError: starlette or uvicorn is not installed.
    """
    if any(find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise UserError(
            "the dashboard is served by starlette and uvicorn, which are not installed: "
            f"{with_extra(DISTRIBUTION, EXTRA)}"
        )


def listening(port: int | None = None) -> socket.socket:
    """A socket on which no other machine can ask.

    Args:
        port: None for ``PORT``, or any that is free where that is taken.

    Raises:
        UserError: The port that was asked for is taken, or is not for this user.
    """
    try:
        return socket.create_server((HOST, PORT if port is None else port))
    except OSError as error:
        if port is not None:
            raise UserError(
                f"port {port} cannot be used ({error.strerror}); without --port a free one is taken"
            ) from error
    return socket.create_server((HOST, 0))


def server(folder: Path, opened: Callable[[Recipe], None]) -> uvicorn.Server:
    """What shows the runs below a folder; its ``run`` takes sockets, and ends by a signal.

    Args:
        folder: In which runs lie, or below which.
        opened: Told of each recipe that was loaded, which loads the local plugins that it names.
    """
    import uvicorn

    from evokit.results.dashboard.application import application

    config = uvicorn.Config(
        application(folder, opened),
        access_log=False,
        http="h11",
        lifespan="off",
        log_config=None,
        loop="asyncio",
        server_header=False,
        timeout_graceful_shutdown=LEFT_S,
        ws="none",
    )
    return uvicorn.Server(config)
