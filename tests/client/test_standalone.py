"""The client alone: its wheel, with nothing of the platform beside it."""

import email
import os
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.running import ROOT

# What requests, click and rich are made of, and nothing else.
ALLOWED = (
    *("requests", "urllib3", "certifi", "idna", "charset_normalizer"),
    *("click", "rich", "markdown_it", "mdurl", "pygments"),
)
# What installing leaves in the folder; an old build would find its way into the new one.
LEFTOVERS = ("__pycache__", "build", "*.egg-info")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built as `pip install ./client` builds it, from a copy that leaves nothing behind in the source."""
    source = tmp_path_factory.mktemp("source") / "client"
    shutil.copytree(ROOT / "client", source, ignore=shutil.ignore_patterns(*LEFTOVERS))
    target = tmp_path_factory.mktemp("wheel")
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(target)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True, timeout=100)
    return next(target.glob("*.whl"))


@pytest.fixture(scope="module")
def alone(wheel, tmp_path_factory):
    """Run Python that sees its standard library, the wheel and the three libraries it asks for."""
    site = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    installed = Path(distribution("requests").locate_file(""))
    for name in ALLOWED:
        (site / name).symlink_to(installed / name)

    def run(*arguments, **environment):
        return subprocess.run(
            [sys.executable, "-S", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(site), "PYTHONPATH": str(site), **environment},
            cwd=site,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_it_asks_for_three_libraries_and_gives_the_command(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        facts = email.message_from_bytes(archive.read(next(name for name in names if name.endswith("/METADATA"))))
        entries = archive.read(next(name for name in names if name.endswith("/entry_points.txt"))).decode()
    wanted = {requirement.partition(">")[0] for requirement in facts.get_all("Requires-Dist")}
    assert wanted == {"requests", "click", "rich"}
    assert facts["Name"] == "reckoner-client"
    assert "reckoner = reckoner.cli:main" in entries
    assert {name.partition("/")[0] for name in names} == {"reckoner", f"reckoner_client-{facts['Version']}.dist-info"}


def test_every_module_of_the_source_is_in_the_wheel(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name.removeprefix("reckoner/") for name in archive.namelist() if name.endswith(".py")}
    source = ROOT / "client" / "reckoner"
    assert packed == {str(path.relative_to(source)) for path in source.rglob("*.py")}


def test_a_job_is_submitted_by_what_was_installed(alone, platform):
    script = (
        "import sys; from reckoner import Reckoner\n"
        f"with Reckoner({platform.url!r}) as r: print(r.submit('echo', words='alone').wait(30).result['words'])\n"
        "print(sorted({'flask', 'celery', 'sqlalchemy', 'pydantic', 'core', 'api'} & set(sys.modules)))"
    )
    ran = alone("-c", script)
    assert ran.stdout.split("\n")[:2] == ["alone", "[]"], ran.stderr


def test_the_command_works_and_says_what_it_cannot_do_alone(alone, platform):
    ran = alone("-m", "reckoner", "submit", "echo", "--words", "x", "--json", RECKONER_URL=platform.url)
    assert ran.returncode == 0, ran.stderr
    for name in ("up", "demo", "migrate"):
        refused = alone("-m", "reckoner", name)
        assert refused.returncode == 1
        assert "only the client is installed here" in refused.stderr


def test_what_the_readme_shows_in_python_works(alone, platform):
    """The first example as written, with this platform's address."""
    text = (ROOT / "client" / "README.md").read_text()
    block = text.split("```python\n")[1].split("```")[0]
    first = block.split("    # A path is uploaded first.")[0].replace("http://127.0.0.1:8000", platform.url)
    ran = alone("-c", first)
    assert ran.stdout == "(2, 7)\n", ran.stderr


def test_the_readme_and_the_command_tell_the_same_exit_codes():
    readme = (ROOT / "client" / "README.md").read_text()
    shown = dict(line.strip("| \n").split(" | ") for line in readme.splitlines() if line[:3].strip("| ").isdigit())
    help_text = subprocess.run(
        [sys.executable, "-m", "reckoner", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for code, meaning in shown.items():
        assert f"  {code}  {meaning}" in help_text
    assert len(shown) == 8
