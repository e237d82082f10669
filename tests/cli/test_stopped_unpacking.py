"""Commands that are stopped while a bundle is unpacked leave nothing among the temporary files."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # processes

# The command line, which waits once the bundle is unpacked.
SCRIPT = """
import time
from stylepipe.api.sources import opened
from stylepipe.cli import main

def wait(*args, **options):
    print("unpacked", flush=True)
    time.sleep(60)

opened.inputs_of = wait
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_an_unpacked_bundle_is_removed(cli, home, number):
    cli("run", "recipe.yaml", "-q")
    assert cli("export", "toy", "-o", "look.stylepipe").code == 0
    (home / "temporary").mkdir()
    path = os.pathsep.join([*(str(site) for site in home.parent.glob("site-*")), *sys.path])
    variables = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(home / "temporary")}
    command = [sys.executable, "-c", SCRIPT, "run", "look.stylepipe", "-q"]
    with subprocess.Popen(
        command, cwd=home, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "unpacked\n"
        assert list(Path(home / "temporary").glob("stylepipe-*"))
        time.sleep(0.1)
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number, err
    assert "Traceback" not in err
    assert list((home / "temporary").iterdir()) == []
