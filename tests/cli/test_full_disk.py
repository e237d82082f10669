"""A full disk under the outputs, at many sizes: whatever is being written, the command ends with a sentence."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from stylepipe.artifacts import Image
from stylepipe.image.files.io import write_image

COMMANDS = {
    "run": "run recipe.yaml -q --outputs full/o",
    "run to a file": "run recipe.yaml -q --outputs o2 -o full/made.png",
    "sweep": "sweep recipe.yaml -q -p amount=[0.1,0.2] --outputs full/o",
    "export": "export toy --outputs o1 -o full/look.stylepipe",
    "crate": "export toy --outputs o1 --crate -o full/crate",
    "import": "import look.stylepipe -o full/look",
}
LOOP = """
import contextlib, io, json, resource, subprocess, sys
from stylepipe.cli import main

commands, limit, sizes = json.loads(sys.argv[1])

def call(command):
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        try:
            main(command.split())
        except SystemExit as ended:
            return ended.code, said.getvalue()

for command in ("run recipe.yaml -q --outputs o1", "export toy --outputs o1 -o look.stylepipe", *commands.values()):
    code, said = call(command.replace("full/", "roomy/"))  # so that all results are in the cache
    assert code == 0, said
for name, command in commands.items():
    for size in sizes:
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        else:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", "full"], check=True)
        code, said = call(command)
        if limit:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            subprocess.run(["umount", "full"], check=True)
        print(json.dumps([name, size, code, said]))
        subprocess.run("rm -rf full/* o2", shell=True, check=True)
"""
SIZES = [4096 * pages for pages in (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 25, 32, 40)]
LIMITS = [1, 60, 200, 300, 400, 600, 900, 1500, 2500, 5000, 8000]


@pytest.fixture
def answers(home: Path):
    """Calls each command at each size, in one process; what it ended with. Skips where no file system may be mounted."""

    def run(*, limit: bool) -> list[tuple[str, int, int, str]]:
        write_image(Image(np.random.default_rng(1).random((40, 60, 3), np.float32)), home / "photo.png")
        for name in ("full", "roomy"):
            (home / name).mkdir()
        namespace = [] if limit else ["unshare", "--user", "--map-root-user", "--mount"]
        if namespace and (shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode):
            pytest.skip("file systems may not be mounted here")
        path = os.pathsep.join([*(str(site) for site in home.parent.glob("site-*")), *sys.path])
        command = [*namespace, sys.executable, "-c", LOOP, json.dumps([COMMANDS, limit, LIMITS if limit else SIZES])]
        done = subprocess.run(
            command, cwd=home, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return [tuple(json.loads(line)) for line in done.stdout.splitlines()]

    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "reason"), [(False, "there is no space left on the disk"), (True, "a file would exceed the allowed size")]
)
def test_a_sentence_says_so_at_any_size(answers, limit, reason):
    failed = set()
    for name, size, code, said in answers(limit=limit):
        assert "fault" not in said, (name, size, said)
        assert "Traceback" not in said, (name, size, said)
        if code:
            failed.add(name)
            assert code in (1, 3), (name, size, said)
            assert reason in said, (name, size, said)
            assert "full/." not in said, (name, size, said)  # no temporary folder
    assert failed == set(COMMANDS)
