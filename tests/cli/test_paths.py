"""Paths on the command line: home folders, folders and patterns, and files that are not in the recipe's folder."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer

from stylepipe.cli import build

PATHS = {"DIR", "FILE", "RECIPE", "RUN", "SOURCE", "TARGET", "WEIGHTS"}


def parameters(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for inner, each in getattr(command, "commands", {}).items():
        yield from parameters(each, f"{name} {inner}")
    yield from ((f"{name} {parameter.name}", parameter) for parameter in command.params)


def test_every_path_may_begin_with_a_tilde(home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    found = [(name, each) for name, each in parameters(typer.main.get_command(build())) if each.metavar in PATHS]
    assert len(found) > 15
    for name, parameter in found:
        several = parameter.nargs == -1
        value = parameter.process_value(None, ["~/x"] if several else "~/x")
        assert str(value[0] if several else value) == f"{home}/x", name


def test_outputs_cache_and_recipe_in_the_home_folder(cli, home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    said = cli("run", "~/recipe.yaml", "--outputs=~/pics", "--cache=~/kept", "-q", "--json")
    assert said.data["folder"].startswith(f"{home}/pics/toy/")
    assert (home / "kept" / "objects").is_dir()
    assert not (home / "~").exists()
    assert cli("show", f"~/pics/toy/{said.data['record']['id']}").code == 0


def test_environment_variables_may_name_the_home_folder(cli, home, monkeypatch):
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("STYLEPIPE_CACHE", "~/kept")
    assert cli("run", "recipe.yaml", "-q").code == 0
    assert (home / "kept" / "objects").is_dir()


def test_without_a_home_folder_no_folder_is_called_tilde(cli, home, monkeypatch):
    monkeypatch.setattr("stylepipe.api.sources.user_paths.expand_home", lambda path: path)
    said = cli("run", "recipe.yaml", "--outputs=~/pics")
    assert (said.code, said.err) == (
        2,
        "error: '~/pics' starts from the home folder, and there is none.\nhint: Write the whole path, or set HOME.\n",
    )


@pytest.mark.parametrize("where", ["/somewhere/photo.png", "../photo.png", "~/photo.png"])
def test_a_path_that_leaves_the_recipe_s_folder_is_given_on_the_command_line(cli, home, where):
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text(text.replace("photo: photo.png", f"photo: {where}"))
    said = cli("run", "recipe.yaml", "-q")
    assert said.code == 2
    assert "Give a file from elsewhere on the command line: -p photo=PATH." in said.err
    (home / "elsewhere").mkdir()
    (home / "photo.png").rename(home / "elsewhere" / "photo.png")
    assert cli("run", "recipe.yaml", "-q", "-p", "photo=elsewhere/photo.png").code == 0


def test_a_linked_folder_leads_elsewhere(cli, home, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (home / "photo.png").rename(data / "photo.png")
    (home / "linked").symlink_to(data)
    text = (home / "recipe.yaml").read_text()
    (home / "recipe.yaml").write_text(text.replace("photo: photo.png", "photo: linked/photo.png"))
    said = cli("run", "recipe.yaml", "-q")
    assert "a symbolic link leads it out of the recipe's folder" in said.err
    assert "-p photo=PATH" in said.err
    assert cli("run", "recipe.yaml", "-q", "-p", "photo=linked/photo.png").code == 0


def test_a_sweep_of_folders_and_patterns(cli, home):
    for name in ("my [2024] pics/a.png", "batch/IMG_1.png", "batch/IMG_10.PNG", "batch/sub/IMG_1.png"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes((home / "photo.png").read_bytes() + name.encode())

    def variants(pattern: str) -> list[str]:
        said = cli("sweep", "recipe.yaml", "-p", f"photo={pattern}", "--dry-run", "--json")
        return [each["name"] for each in said.data["variants"]]

    assert variants('["my [2024] pics/*.png", photo.png]') == ["photo=a.png", "photo=photo.png"]
    assert variants("[batch]") == ["photo=IMG_1.png", "photo=IMG_10.PNG"]
    assert variants("[batch/**/*.png]") == ["photo=batch_IMG_1.png", "photo=IMG_10.PNG", "photo=sub_IMG_1.png"]
    said = cli("sweep", "recipe.yaml", "-p", "photo=[batch/*.tif]", "--dry-run")
    assert (said.code, said.err.splitlines()[0]) == (
        2,
        f"error: -p photo: 'batch/*.tif' stands for no file: in '{home}/batch' nothing has such a name.",
    )


def test_two_files_of_one_name_have_results_of_their_own(cli, home):
    for folder in ("one", "two"):
        (home.parent / folder).mkdir()
        (home.parent / folder / "x.png").write_bytes((home / "photo.png").read_bytes() + folder.encode())
    files = f"[{home.parent}/one/x.png, {home.parent}/two/x.png]"
    said = cli("sweep", "recipe.yaml", "-q", "-p", f"photo={files}", "-p", "steps=[2, 3]", "--json")
    results = said.data["results"]
    assert results["axes"]["photo"] == ["x.png", "x-2.png"]
    assert len({variant["name"] for variant in results["variants"]}) == 4
    assert {variant["status"] for variant in results["variants"]} == {"done"}


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", ""),
        ("validate", ""),
        ("run", "recipe.yaml", "--cache", ""),
        ("run", "recipe.yaml", "--outputs", ""),
        ("run", "recipe.yaml", "-o", ""),
        ("cache", "gc", "--cache", ""),
        ("runs", "--outputs", ""),
        ("import", ""),
        ("init", ""),
    ],
)
def test_an_empty_path_is_not_the_current_folder(cli, home, arguments):
    """As of a variable of the shell that is not set: a cache would be laid out among the user's files."""
    before = sorted(home.rglob("*"))
    said = cli(*arguments)
    assert (said.code, said.err.splitlines()[0]) == (2, "error: A path is empty.")
    assert sorted(home.rglob("*")) == before
