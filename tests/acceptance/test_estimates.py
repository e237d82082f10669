"""The memory that `plan` estimates, beside what the process of the run takes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).parents[2] / "recipes/gatys.yaml"
PROGRAM = """
from stylepipe.cli import main

try:
    main()
finally:
    print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow  # three compilations and two iterations at each size
@pytest.mark.skipif(sys.platform != "linux", reason="Linux says what a process took at its most")
@pytest.mark.parametrize("size", [256, 768, 1024])
def test_a_run_takes_what_its_plan_estimates(tmp_path, size):
    def said(command, *options):
        arguments = [sys.executable, "-c", PROGRAM, command, RECIPE, "-p", f"scales=[{size}]", "-p", "iterations=2", *options]
        environment = {**os.environ, "STYLEPIPE_CACHE": str(tmp_path / "cache")}
        *lines, kilobytes = subprocess.run(
            arguments, env=environment, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        return lines, 1024 * int(kilobytes)

    (stage,) = json.loads("\n".join(said("plan", "--json")[0]))
    _, taken = said("run", "-q", "--outputs", tmp_path / "outputs")
    assert taken == pytest.approx(stage["memory"], rel=0.25)
