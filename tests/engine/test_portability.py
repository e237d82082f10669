"""The main commands without what only POSIX systems have."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

PROGRAM = """
import fcntl, os, signal, sys, types
import multiprocessing.connection, platformdirs, subprocess, tempfile  # which choose by platform when imported

def locking(descriptor, mode, size, lockf=fcntl.flock, flags=fcntl.LOCK_EX | fcntl.LOCK_NB):
    if (mode, size, os.lseek(descriptor, 0, os.SEEK_CUR) > 2**32) != (2, 1, True):
        raise ValueError("the lock is not of one byte beyond the end")
    try:
        lockf(descriptor, flags)
    except BlockingIOError:
        raise PermissionError(13, "Permission denied") from None

subprocess.Popen.kill = subprocess.Popen.terminate  # as in Python for Windows
sys.modules["msvcrt"] = types.SimpleNamespace(LK_NBLCK=2, locking=locking)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in {
    os: ("geteuid", "getuid", "fchmod", "killpg", "fork", "copy_file_range", "O_NONBLOCK", "O_CLOEXEC"),
    signal: ("SIGKILL", "SIGHUP"),
}.items():
    for name in names:
        delattr(module, name)

from stylepipe.cli import main

sys.argv = ["stylepipe", *sys.argv[1:]]
main()
"""
"""A command in a process that has lost POSIX's modules and functions; msvcrt is a stand-in that locks as Windows does."""

RECIPE = """
stylepipe: 1
name: small
inputs: {photo: {image: photo.png}}
params: {amount: 0.5, side: 16}
stages:
  half: {use: resize, image: $photo, long_side: $params.side}
  sharp: {use: sharpen, image: $half, amount: $params.amount}
output: $sharp
sweep:
  grid: {amount: [0.5, 1.0]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Pillow.fromarray(picture).save(tmp_path / "photo.png")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def command(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "STYLEPIPE_CACHE": str(folder / "cache"), "STYLEPIPE_TRACEBACK": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.slow  # a process for each command
def test_the_main_commands_run_without_what_only_posix_has(folder):
    command(folder, "validate", "recipe.yaml")
    assert "sharp" in command(folder, "plan", "recipe.yaml")
    assert "has not run before" in command(folder, "run", "recipe.yaml")
    again = command(folder, "run", "recipe.yaml")
    assert "cached" in again
    assert "has not run before" not in again
    assert "00-contact-sheet.png" in command(folder, "sweep", "recipe.yaml")
    assert "00-contact-sheet.png" in command(folder, "sweep", "recipe.yaml", "--jobs", "2", "-p", "side=12")
    command(folder, "cache", "gc")
    assert len(list((folder / "outputs").glob("*/*/record.json"))) == 4
