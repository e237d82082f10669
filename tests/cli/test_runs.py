"""The commands run, plan, explain, runs and show, with every option."""

import json
import re
from pathlib import Path

import pytest

RUN_ID = r"\d{8}-\d{6}-[0-9a-f]{6}"


def told(err: str) -> list[str]:
    """The lines on stderr, without what differs from run to run."""
    return re.sub(r"done in \d+\.\d s", "done", re.sub(RUN_ID, "ID", err)).splitlines()


def computed(said) -> list[str]:
    return [name for name, stage in said.data["record"]["stages"].items() if not stage["cached"]]


# --- run ----------------------------------------------------------------------------------------------------------------


def test_run_prints_the_result_s_path_and_tells_its_progress_beside_it(cli, home):
    said = cli("run", "recipe.yaml")
    assert said.code == 0
    assert re.fullmatch(rf"outputs/toy/{RUN_ID}/bright_again\.png\n", said.out)
    assert Path(said.out.strip()).is_file()
    assert told(said.err) == [
        "warning: recipe.yaml:9:3: no output needs unneeded; it does not run.",
        "run folder outputs/toy/ID",
        "[1/3] bright: it has not run before",
        "[1/3] bright: done",
        "[2/3] dark: it has not run before",
        "[2/3] dark: 2/20 loss 0.5",
        "[2/3] dark: 4/20 loss 0.25",
        "[2/3] dark: 6/20 loss 0.1667",
        "[2/3] dark: 8/20 loss 0.125",
        "[2/3] dark: 10/20 loss 0.1",
        "[2/3] dark: 12/20 loss 0.08333",
        "[2/3] dark: 14/20 loss 0.07143",
        "[2/3] dark: 16/20 loss 0.0625",
        "[2/3] dark: 18/20 loss 0.05556",
        "[2/3] dark: 20/20 loss 0.05",
        "dark: That was the last step.",
        "[2/3] dark: done",
        "[3/3] bright_again: it has not run before",
        "[3/3] bright_again: done",
        "run: report outputs/toy/ID/report.html",
    ]


def test_a_second_run_is_cached(cli):
    cli("run", "recipe.yaml")
    said = cli("run", "recipe.yaml")
    assert told(said.err)[2:-1] == ["[1/3] bright: cached", "[2/3] dark: cached", "[3/3] bright_again: cached"]


def test_run_as_json(cli, home):
    said = cli("run", "recipe.yaml", "--json")
    folder = Path(said.data["folder"])
    assert said.data["outputs"] == {"bright_again": str(folder / "bright_again.png")}
    assert said.data["record"] == json.loads((folder / "record.json").read_text())
    assert "[1/3] bright: done" in told(said.err)


def test_quiet_runs_say_nothing_but_the_result(cli, home):
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text("\n".join(line for line in text.splitlines() if "unneeded" not in line))
    for option in ("-q", "--quiet"):
        assert cli("run", "recipe.yaml", option).err == ""


def test_params_are_set(cli):
    first = cli("run", "recipe.yaml", "--json")
    said = cli("run", "recipe.yaml", "--json", "-p", "amount=0.5", "--param", "steps=3")
    assert {name: said.data["record"]["params"][name] for name in ("amount", "steps")} == {"amount": 0.5, "steps": 3}
    assert computed(said) == ["bright", "dark", "bright_again"]
    outputs = [each.data["record"]["outputs"]["bright_again"]["digest"] for each in (first, said)]
    assert outputs[0] != outputs[1]


def test_a_part_of_the_recipe(cli):
    assert computed(cli("run", "recipe.yaml", "--json", "--until", "dark")) == ["bright", "dark"]
    said = cli("run", "recipe.yaml", "--json", "--from", "bright_again")
    assert computed(said) == ["bright_again"]
    said = cli("run", "recipe.yaml", "--from", "dark", "-p", "amount=0.3")
    assert said.code == 2
    assert said.err.endswith(
        "error: The stage 'bright' comes before the first one to run, and its result is not in the cache.\n"
        "hint: Run without --from.\n"
    )


def test_until_prints_the_folder_when_there_is_no_result(cli):
    assert re.fullmatch(rf"outputs/toy/{RUN_ID}\n", cli("run", "recipe.yaml", "--until", "dark").out)


def test_force(cli):
    cli("run", "recipe.yaml")
    assert computed(cli("run", "recipe.yaml", "--json", "--force", "dark")) == ["dark"]
    assert computed(cli("run", "recipe.yaml", "--json", "--force", "bright", "--force", "bright_again")) == [
        "bright",
        "bright_again",
    ]
    assert computed(cli("run", "recipe.yaml", "--json", "--force", "all")) == ["bright", "dark", "bright_again"]


def test_folders_can_be_named(cli, home):
    said = cli("run", "recipe.yaml", "--outputs", "results", "--cache", "kept", "--json")
    assert said.data["folder"].startswith("results/toy/")
    assert (home / "kept" / "objects").is_dir()
    assert not (home.parent / "cache").exists()
    assert computed(cli("run", "recipe.yaml", "--json")) == ["bright", "dark", "bright_again"]


def test_a_dry_run_is_a_plan(cli, home):
    options = ("recipe.yaml", "-p", "steps=4", "--until", "dark", "--force", "bright", "--cache", "kept")
    for json_ in ([], ["--json"]):
        assert cli("run", "--dry-run", *options, *json_) == cli("plan", *options, *json_)
    assert not (home / "outputs").exists()
    assert not (home / "kept").exists()


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("''", "Stage 'dark' failed with ZeroDivisionError: division by zero.\nhint: The run's folder holds the traceback.\n"),
        ("It is too dark", "Stage 'dark': It is too dark.\nhint: Try something else.\n"),
    ],
)
def test_a_stage_that_fails_ends_in_exit_code_1(cli, home, reason, said):
    text = (home / "recipe.yaml").read_text()
    reason = reason if reason == "''" else f"{reason}."
    (home / "recipe.yaml").write_text(
        text.replace("use: walk, image: $bright, steps: $params.steps", f"use: give_up, image: $bright, reason: {reason}")
    )
    answer = cli("run", "recipe.yaml", "-p", "amount=0.125")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.endswith(f"error: {said}")
    (folder,) = (home / "outputs" / "toy").iterdir()
    assert (folder / "02-bright.png").exists()
    assert (folder / "traceback.txt").exists() == (reason == "''")


# --- plan and explain ---------------------------------------------------------------------------------------------------


def test_plan_shows_what_would_run_and_why(cli, home):
    assert cli("plan", "recipe.yaml").out.splitlines() == [
        "name          stage     state    last took  memory  because",
        "bright        brighten  runs     —          0.9 GB  it has not run before",
        "dark          walk      may run  —          —       'bright' is computed first",
        "bright_again  brighten  may run  —          —       'dark' is computed first",
    ]
    assert not (home / "outputs").exists()
    cli("run", "recipe.yaml")
    said = cli("plan", "recipe.yaml", "-p", "steps=3")
    assert (said.code, said.err) == (0, "'unneeded' is not needed and does not run.\n")
    assert re.sub(r"\d\.\d s", "0.0 s", said.out).splitlines() == [
        "name          stage     state    last took  memory  because",
        "bright        brighten  cached   0.0 s",
        "dark          walk      runs     0.0 s      —       steps: 20 → 3",
        "bright_again  brighten  may run  0.0 s      —       'dark' is computed first",
    ]


def test_plan_as_json(cli):
    cli("run", "recipe.yaml")
    bright, dark, again = cli("plan", "recipe.yaml", "-p", "steps=3", "--json").data
    assert (bright["name"], bright["stage"], bright["state"], bright["reasons"]) == ("bright", "brighten", "cached", [])
    assert (dark["state"], dark["reasons"]) == ("run", ["steps: 20 → 3"])
    assert (again["state"], again["key"]) == ("depends", None)
    assert (bright["memory"], dark["memory"]) == (None, None)
    assert cli("plan", "recipe.yaml", "--force", "bright", "--json").data[0]["memory"] // 10**7 == 90
    assert re.fullmatch("[0-9a-f]{64}", dark["key"])


def test_plan_of_a_part(cli):
    assert [stage["name"] for stage in cli("plan", "recipe.yaml", "--until", "dark", "--json").data] == ["bright", "dark"]
    cli("run", "recipe.yaml")
    states = {stage["name"]: stage["state"] for stage in cli("plan", "recipe.yaml", "--force", "all", "--json").data}
    assert states == {"bright": "run", "dark": "run", "bright_again": "run"}
    assert cli("plan", "recipe.yaml", "--from", "dark", "-p", "amount=0.5").code == 2


def test_explain(cli):
    assert (
        cli("explain", "recipe.yaml", "dark").out
        == "'dark' depends on stages that would run:\n  - 'bright' is computed first\n"
    )
    cli("run", "recipe.yaml")
    assert cli("explain", "recipe.yaml", "dark").out == "'dark' is cached.\n"
    said = cli("explain", "recipe.yaml", "dark", "-p", "steps=3")
    assert (said.code, said.out) == (0, "'dark' would run:\n  - steps: 20 → 3\n")
    (stage,) = cli("explain", "recipe.yaml", "dark", "-p", "steps=3", "--json").data
    assert (stage["name"], stage["reasons"]) == ("dark", ["steps: 20 → 3"])
    assert cli("explain", "recipe.yaml", "dark", "--cache", "empty").out.startswith("'dark' depends")


# --- runs and show ------------------------------------------------------------------------------------------------------


def test_runs_lists_the_newest_first(cli):
    assert cli("runs").out == "No runs in 'outputs' yet.\n"
    assert cli("runs", "--outputs", "nowhere", "--json").data == []
    cli("run", "recipe.yaml")
    cli("run", "recipe.yaml", "--until", "dark")
    said = cli("runs")
    lines = [re.sub(r" +", " ", re.sub(RUN_ID, "ID", line)) for line in said.out.splitlines()]
    assert lines[0] == "id recipe status took cached"
    assert re.fullmatch(r"ID toy done \d\.\d s 2 of 2", lines[1])
    assert re.fullmatch(r"ID toy done \d\.\d s 0 of 3", lines[2])
    newest, oldest = cli("runs", "--json").data
    assert list(newest["record"]["stages"]) == ["bright", "dark"]
    assert oldest["record"]["id"] == Path(oldest["folder"]).name


def test_runs_have_pictures_in_a_terminal_of_all_colors(cli, home, monkeypatch):
    cli("run", "recipe.yaml")
    plain = cli("runs")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("COLORTERM", "")
    assert cli("runs") == plain
    monkeypatch.setenv("COLORTERM", "truecolor")
    said = cli("runs")
    assert said.out.count("▀") == 8 * 6 / 2
    words = re.sub(r"\x1b\[[0-9;]*m|▀", "", said.out).split()
    assert words == plain.out.split()
    assert cli("runs", "--json").data == json.loads(cli("runs", "--json").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli("runs") == plain


def test_show(cli, home):
    result = cli("run", "recipe.yaml", "--json").data
    run_id = result["record"]["id"]
    digest = result["record"]["outputs"]["bright_again"]["digest"]
    sha256 = result["record"]["inputs"]["photo"]["sha256"]
    said = cli("show", run_id)
    lines = re.sub(r"\d+\.\d s", "T", said.out).splitlines()
    assert lines == [
        f"toy  {run_id}  done  T",
        f"folder  outputs/toy/{run_id}",
        "param   photo = photo.png",
        "param   amount = 0.25",
        "param   steps = 20",
        f"input   photo: photo.png ({sha256[:12]})",
        f"result  bright_again: outputs/toy/{run_id}/bright_again.png ({digest[:12]})",
        "stage         kind      took   from      iterations  picture",
        "bright        brighten  T  computed              02-bright.png",
        "dark          walk      T  computed  20          03-dark.png",
        "bright_again  brighten  T  computed              04-bright_again.png",
    ]
    for reference in (run_id[-6:], "toy", result["folder"]):
        assert cli("show", reference, "--json").data == result["record"]
    assert cli("show", run_id, "--outputs", "elsewhere").code == 2


def test_show_a_run_that_failed(cli, home):
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text(
        text.replace("use: brighten, image: $photo, amount: $params.amount", "use: give_up, image: $photo")
    )
    cli("run", "recipe.yaml")
    said = cli("show", "toy")
    assert said.code == 0
    folder = said.out.splitlines()[1].removeprefix("folder  ")
    assert said.out.splitlines()[-3:] == [
        "error   Stage 'bright' failed with ZeroDivisionError: division by zero.",
        f"last    {folder}/02-bright.last.png",
        "No stage was finished.",
    ]
