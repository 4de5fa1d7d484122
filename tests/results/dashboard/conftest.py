"""A folder with a run, and the dashboard's answers about it."""

import threading
import urllib.error
import urllib.request

import pytest

from evokit.results.dashboard import listening, server
from tests.small import run, write_recipe


@pytest.fixture(scope="session")
def done(tmp_path_factory):
    """A finished run; tests look at copies of it."""
    folder = tmp_path_factory.mktemp("dashboard")
    run(write_recipe(folder), folder / "done", "search.generations=2")
    return folder / "done"


@pytest.fixture
def ask(tmp_path):
    """Asks a dashboard of ``tmp_path``; gives the status, the text and the headers of its answer."""
    loaded = []
    one = server(tmp_path, loaded.append)
    with listening() as on:
        url = "http://{}:{}".format(*on.getsockname())
        at_work = threading.Thread(target=one.run, kwargs={"sockets": [on]})
        at_work.start()

        def answer(path, **headers):
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            asked = urllib.request.Request(url + path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            try:
                with opener.open(asked, timeout=120) as given:
                    return given.status, given.read().decode(), given.headers
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code, refused.read().decode(), refused.headers

        answer.url, answer.loaded = url, loaded
        yield answer
        one.should_exit = True
        at_work.join()
