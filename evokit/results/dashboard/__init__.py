"""``evokit dashboard``: the runs below a folder as pages in a browser, on this machine alone. Files are only read.

starlette answers, uvicorn serves; both come with the extra ``dashboard``.
"""

from __future__ import annotations

from evokit.results.dashboard.serving import listening as listening
from evokit.results.dashboard.serving import require_server as require_server
from evokit.results.dashboard.serving import server as server
