"""What goes wrong around a run ends in one clear sentence and the right exit code, and costs nothing that was there."""

import shutil
import subprocess

import pytest

pytestmark = pytest.mark.slow

SPACE = "hint: Free some space there, or set STYLEPIPE_CACHE to another folder."
ELSEWHERE = "hint: Set STYLEPIPE_CACHE to another folder."
FULL = "error: The cache '{}' cannot be used: there is no space left on the disk."


@pytest.fixture
def mounted(desk):
    """Runs a script that mounts a file system at `cache` or `outputs`, which ends with it; "$@" is the command line."""

    def run(script: str) -> subprocess.CompletedProcess[str]:
        for folder in ("cache", "outputs"):
            (desk.root / folder).mkdir(exist_ok=True)
        command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *desk.command()]
        if shutil.which("unshare") is None or subprocess.run([*command[:4], "true"], check=False).returncode:
            pytest.skip("file systems may not be mounted here")
        return subprocess.run(command, cwd=desk.root, env=desk.environment, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(("size", "kept"), [("16k", 0), ("200k", 2)])
def test_a_full_disk(mounted, desk, undisturbed, size, kept):
    """What was finished stays; with more room the run goes on from there."""
    done = mounted(
        f"""
        mount -t tmpfs -o size={size} none cache
        "$@" run small.yaml --quiet; echo "exit $?"
        "$@" cache verify --json >damage.json; echo "exit $?"
        mount -o remount,size=100m cache
        "$@" run small.yaml --json >run.json 2>log; echo "exit $?"
        """
    )
    assert done.stdout.split("\n") == ["exit 1", "exit 0", "exit 0", ""]
    assert done.stderr.splitlines() == [FULL.format(desk.cache), SPACE]
    failed, finished = sorted(desk.runs(), key=lambda run: run.record["started"])
    assert failed.record["status"] == "failed"
    assert len(failed.record["stages"]) == kept
    assert finished.digest == undisturbed.digest
    assert finished.computed == undisturbed.computed[kept:]


def test_a_full_disk_under_the_outputs(mounted, undisturbed):
    done = mounted(
        """
        mount -t tmpfs -o size=60k none outputs
        "$@" run small.yaml --quiet; echo "exit $?"
        "$@" cache verify
        """
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "exit 1"
    assert lines[1].endswith(" 0 damaged.")
    assert done.stderr.splitlines() == [
        "error: The output folder 'outputs' cannot be used: there is no space left on the disk.",
        "hint: Free some space there, or choose another folder for the outputs.",
    ]


def test_a_cache_that_may_not_be_written(mounted, desk):
    done = mounted(
        """
        mount -t tmpfs -o ro none cache
        "$@" run small.yaml --quiet; echo "exit $?"
        """
    )
    assert done.stdout == "exit 1\n"
    assert done.stderr.splitlines() == [
        f"error: The cache '{desk.cache}' cannot be used: the file system is read-only.",
        ELSEWHERE,
    ]
    assert list((desk.root / "outputs").iterdir()) == []


def test_a_file_that_would_be_too_large(desk, undisturbed):
    """As under a quota: this needs no mounting."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))"
    answer = desk.call("run", "small.yaml", "--quiet", prelude=limit, code=1)
    assert answer.err.splitlines() == [
        f"error: The cache '{desk.cache}' cannot be used: a file would exceed the allowed size.",
        ELSEWHERE,
    ]
    assert desk.damage() == []
    finished = desk.run()
    assert finished.digest == undisturbed.digest
    assert finished.computed == undisturbed.computed[1:]


def test_a_corrupt_object_is_moved_aside_and_made_again(used_desk, undisturbed):
    digest = undisturbed.record["stages"]["composed"]["output"]
    (path,) = used_desk.cache.rglob(f"{digest}.safetensors")
    path.chmod(0o644)
    data = path.read_bytes()
    path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    answer = used_desk.call("run", "small.yaml", "--quiet", "-p", "sharpness=0.6")
    assert answer.err == ""
    again = used_desk.runs()[0]
    assert again.computed == ("composed", "sharpened", "denoised")
    (note,) = again.events("note")
    assert note["text"] == f"A stored result was damaged and has been moved aside ({digest[:12]}…). It is computed again."
    assert used_desk.damage() == []
    assert used_desk.run().digest == undisturbed.digest


def test_a_missing_input(used_desk, undisturbed):
    (used_desk.root / "style.png").rename(used_desk.root / "away.png")
    answer = used_desk.call("run", "small.yaml", code=2)
    assert answer.err.splitlines() == [
        "error: small.yaml:7:18: input 'style' names 'style.png': there is no such file.",
        "hint: It was looked for at style.png.",
    ]
    assert not (used_desk.root / "outputs").exists()
    (used_desk.root / "away.png").rename(used_desk.root / "style.png")
    assert used_desk.run().computed == ()


def test_a_truncated_image(used_desk, undisturbed):
    path = used_desk.root / "style.png"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    answer = used_desk.call("run", "small.yaml", "--quiet", code=2)
    assert answer.err.splitlines() == [
        "error: small.yaml:7:18: input 'style': 'style.png' is damaged, incomplete, or of a kind of PNG that is not read.",
        "hint: Download it again, or save it as 8- or 16-bit PNG.",
    ]
    assert used_desk.runs()[0].record["status"] == "failed"
    path.write_bytes(whole)
    assert used_desk.run().digest == undisturbed.digest
