"""One platform for all pages, started as they say, and a folder for each."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.page import Page
from tests.running import ROOT, RunningPlatform, eventually

TUTORIALS = ROOT / "docs" / "tutorials"


def read(name, **replaced):
    return Page(TUTORIALS / f"{name}.md", **replaced)


@pytest.fixture(scope="package")
def folders(tmp_path_factory):
    """A folder for each tutorial, with the files that it shows."""
    made = {}
    for path in TUTORIALS.glob("*.md"):
        made[path.stem] = tmp_path_factory.mktemp(path.stem)
        Page(path).write_files(made[path.stem])
    return made


@pytest.fixture(scope="package")
def started(folders, make_database, valkey_server, tmp_path_factory):
    """The platform with whatever the pages start it with, together."""
    url = valkey_server.url.rsplit("/", 1)[0] + "/11"
    running = RunningPlatform(make_database("tutorials"), url, tmp_path_factory.mktemp("tutorials"))
    search = [str(ROOT)]
    for name, folder in folders.items():
        settings = read(name).settings
        if settings.pop("PYTHONPATH", None) == ".":
            search.append(str(folder))
        if "RECKONER_DATA_ROOT" in settings:
            settings["RECKONER_DATA_ROOT"] = str(folder / settings["RECKONER_DATA_ROOT"])
        running.environment |= settings
    running.environment["PYTHONPATH"] = os.pathsep.join(search)
    running.start_worker(wait=False)
    running.start_beat()
    running.start_api()
    eventually(lambda: "worker_up" in running.log("worker"), seconds=90)
    yield running
    running.stop()


@pytest.fixture
def terminal(tmp_path):
    """What a reader's terminal has, with an address if there is one."""

    def environment(url=None, **settings):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RECKONER_")}
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        own = {"PATH": path, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
        return {**kept, **own, **({"RECKONER_URL": url} if url else {}), **settings}

    assert shutil.which("bash")
    return environment
