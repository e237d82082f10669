"""Finding stages: packs by entry point, stages by module, and nothing imported before its time."""

import io
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from stylepipe import plugins
from stylepipe.entry_points import STAGES
from stylepipe.recipe.load import load_recipe
from stylepipe.stage import StageContractError

Install = Callable[[str, Mapping[str, str]], Path]

STAGE = """\
from stylepipe.artifacts import Image
from stylepipe.stage import Params, stage


class TintParams(Params):
    \"\"\"How much.\"\"\"

    amount: float = 0.5


@stage(version=1)
def NAME(image: Image, params: TintParams) -> Image:
    \"\"\"Tints a picture.\"\"\"
    return image
"""


def tint(name: str) -> str:
    return STAGE.replace("NAME", name)


def test_our_own_stages_come_in_through_the_same_door() -> None:
    assert [entry.name for entry in entry_points(group=STAGES) if entry.value == "stages"] == ["stylepipe"]
    assert plugins.stage_modules()["sharpen"] == "stages.sharpen"
    assert plugins.find_stage("sharpen").output == "image"


def test_a_third_partys_stage_is_listed_found_and_used_by_a_recipe(install_pack: Install, tmp_path: Path) -> None:
    install_pack("tints", {"tint": tint("tint"), "_helper": "raise SystemExit\n"})
    assert plugins.stage_modules()["tint"] == "tints.tint"
    assert "_helper" not in plugins.stage_modules()
    assert "tints" not in sys.modules
    found = plugins.find_stage("tint")
    assert (found.name, found.module, found.summary) == ("tint", "tints.tint", "Tints a picture.")
    assert plugins.find_stage("tint") is found
    assert "sharpen" in plugins.stage_modules()

    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        "stylepipe: 1\nname: tinted\ninputs: {photo: {image: photo.png}}\n"
        "stages: {tinted: {use: tint, image: $photo, amount: 2}}\noutput: $tinted\n"
    )
    node = load_recipe(recipe).stages["tinted"]
    assert (node.stage, node.params.model_dump(), node.needs) == (found, {"amount": 2.0}, ("photo",))


def test_an_unknown_stage(install_pack: Install) -> None:
    install_pack("tints", {"tint": tint("tint")})
    with pytest.raises(StageContractError) as caught:
        plugins.find_stage("tnit")
    assert str(caught.value) == "There is no stage 'tnit'. Did you mean 'tint'?"


def test_two_packs_with_the_same_stage(install_pack: Install) -> None:
    install_pack("tints", {"tint": tint("tint")})
    install_pack("colors", {"tint": tint("tint")})
    assert plugins.find_stage("sharpen").output == "image"
    with pytest.raises(StageContractError) as caught:
        plugins.find_stage("tint")
    assert str(caught.value) == (
        "The stage 'tint' is offered by both 'colors.tint' and 'tints.tint'."
        " Uninstall one of the two packages, or rename the stage in yours."
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import no_such_module_at_all\n",
            "The stage 'tint' cannot be imported from 'tints.tint': "
            "ModuleNotFoundError: No module named 'no_such_module_at_all'.",
        ),
        (
            "def tint(:\n",
            "The stage 'tint' cannot be imported from 'tints.tint': SyntaxError: invalid syntax (tint.py, line 1).",
        ),
        (
            "raise SystemExit(3)\n",
            "The stage 'tint' cannot be imported from 'tints.tint': SystemExit: 3.",
        ),
        (
            "raise KeyboardInterrupt\n",
            "The stage 'tint' cannot be imported from 'tints.tint': KeyboardInterrupt.",
        ),
        (
            "class Skipped(BaseException): ...\nraise Skipped('not here')\n",
            "The stage 'tint' cannot be imported from 'tints.tint': Skipped: not here.",
        ),
        (
            f"raise ValueError({'x' * 600!r})\n",
            f"The stage 'tint' cannot be imported from 'tints.tint': ValueError: {'x' * 488}….",
        ),
        (
            "tint = 3\n",
            "The module 'tints.tint' holds no stage of its own name. It must define a function 'tint' decorated with @stage.",
        ),
        (
            tint("shade") + "tint = shade\n",
            "The module 'tints.tint' holds no stage of its own name. It must define a function 'tint' decorated with @stage.",
        ),
    ],
)
def test_modules_that_hold_no_stage(install_pack: Install, text: str, message: str) -> None:
    install_pack("tints", {"tint": text})
    with pytest.raises(StageContractError) as caught:
        plugins.find_stage("tint")
    assert str(caught.value) == message


def test_what_a_module_prints_is_no_result(install_pack: Install, capsys: pytest.CaptureFixture[str]) -> None:
    install_pack("tints", {"tint": "print('Hello from tints.')\n" + tint("tint")})
    plugins.find_stage("tint")
    assert capsys.readouterr() == ("", "Hello from tints.\n")


def test_a_module_that_closes_the_standard_streams(install_pack: Install, capsys: pytest.CaptureFixture[str]) -> None:
    closing = "import sys\nsys.stdout.close(), sys.stderr.close()\nprint('still here')\n"
    install_pack("tints", {"tint": closing + tint("tint")})
    plugins.find_stage("tint")
    print("a result")
    assert capsys.readouterr() == ("a result\n", "still here\n")


def test_a_module_that_closes_the_stdout_of_the_process(install_pack: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    install_pack("tints", {"tint": "import sys\nsys.__stdout__.close()\n" + tint("tint")})
    monkeypatch.setattr(sys, "__stdout__", stdout)
    plugins.find_stage("tint")
    assert sys.stdout is None


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("tints.tint", "is not a package"),
        ("no_such_package_at_all", "is not a package"),
        ("no_such_package.sub", "cannot be found: ModuleNotFoundError: No module named 'no_such_package'"),
        ("tints.broken.sub", "cannot be found: RuntimeError: not today"),
        ("tints.stopped.sub", "cannot be found: KeyboardInterrupt"),
    ],
)
def test_an_entry_point_that_names_no_package(install_pack: Install, value: str, reason: str) -> None:
    site = install_pack(
        "tints", {"tint": tint("tint"), "broken": "raise RuntimeError('not today')\n", "stopped": "raise KeyboardInterrupt"}
    )
    (site / "tints-1.0.dist-info" / "entry_points.txt").write_text(f"[{STAGES}]\ntints = {value}\n")
    assert "sharpen" in plugins.stage_modules()
    [problem] = plugins.stage_modules().problems
    assert str(problem) == (
        f"The stage pack 'tints' names '{value}', which {reason}."
        " Its entry point must name a package with one module per stage."
    )


@pytest.mark.parametrize("text", [b"[stylepipe.stages]\nnonsense\n", b"[stylepipe.stages]\n\xff = \xff\n"])
def test_a_package_whose_entry_points_cannot_be_read_breaks_no_other(install_pack: Install, text: bytes) -> None:
    site = install_pack("tints", {"tint": tint("tint")})
    install_pack("shades", {"shade": tint("shade")})
    (site / "tints-1.0.dist-info" / "entry_points.txt").write_bytes(text)
    assert {"shade", "sharpen"} <= plugins.stage_modules().keys()
    assert len(plugins.stage_modules().problems) == 1
    with pytest.raises(StageContractError, match="'stylepipe doctor' says what is wrong with a stage pack"):
        plugins.find_stage("tint")


def test_stages_that_are_broken_are_told_apart_from_the_others(install_pack: Install) -> None:
    install_pack("tints", {"tint": "import no_such_module_at_all\n", "shade": tint("shade")})
    stages, problems = plugins.usable_stages()
    assert {"shade", "sharpen"} <= stages.keys()
    assert "tint" not in stages
    assert [str(problem) for problem in problems] == [
        "The stage 'tint' cannot be imported from 'tints.tint': ModuleNotFoundError: No module named 'no_such_module_at_all'."
    ]
