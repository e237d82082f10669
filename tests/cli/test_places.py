"""Inputs from elsewhere are found again where they were, by their bytes, and nothing that is passed on says where that is."""

import os
import re
import shutil
from pathlib import Path

import pytest

from stylepipe.api.sources.opened import weights_source
from stylepipe.artifacts import Image
from stylepipe.image.files.io import read_image, write_image
from stylepipe.sharing.archive import write_archive
from stylepipe.sharing.bundle import contents_of

MANY = """\
stylepipe: 1
name: many
params: {photos: [photo.png], region: photo.png}
inputs:
  photos: {images: $params.photos}
  region: {mask: $params.region}
stages:
  whole: {use: mean, images: $photos}
output: $whole
"""


@pytest.fixture
def album(home) -> Path:
    """A folder elsewhere, with pictures that are in no other place."""
    folder = home.parent / "alice_secret"
    folder.mkdir()
    for number, name in enumerate(("me.png", "you.png"), 1):
        write_image(Image(read_image(home / "photo.png").pixels / (1 + number)), folder / name)
    return folder


@pytest.fixture
def made(cli, album) -> Path:
    """The picture of a run of an outside file."""
    said = cli("run", "recipe.yaml", "-q", "-p", f"photo={album / 'me.png'}", "-p", "steps=3")
    assert said.code == 0, said.err
    return Path(said.out.strip())


@pytest.fixture(params=["id", "folder", "picture", "copied picture"])
def result(request, made, home) -> Path | str:
    """The run, as one names it."""
    match request.param:
        case "id":
            return made.parent.name
        case "folder":
            return made.parent
        case "picture":
            return made
    return copied(made, home)


def copied(picture: Path, home: Path) -> Path:
    """The picture alone in a folder of its own."""
    (home.parent / "got").mkdir()
    return Path(shutil.copy(picture, home.parent / "got" / "look.png"))


def test_a_run_is_verified_and_run_again(cli, result, album):
    taken = f"Input 'photo' is taken from {album / 'me.png'}.\n"
    said = cli("verify", result, "-q", "--json")
    assert (said.code, said.data["verdict"], said.err) == (0, "exact", taken)
    said = cli("run", result, "-q", "--json")
    assert said.code == 0
    assert taken in said.err
    assert all(stage["cached"] for stage in said.data["record"]["stages"].values())
    record = cli("run", result, "--json", "-p", "amount=0.5").data["record"]
    assert (record["params"]["amount"], record["params"]["steps"], record["params"]["photo"]) == (0.5, 3, "me.png")
    assert [stage["state"] for stage in cli("plan", result, "--json").data] == ["cached"] * 3


def test_from_another_folder(cli, made, home, monkeypatch):
    (home / "else").mkdir()
    monkeypatch.chdir(home / "else")
    assert cli("verify", home / made, "-q").code == 0
    assert cli("run", home / made, "-q").code == 0


def test_nothing_that_is_left_says_where(cli, result, album, home):
    for arguments in (["run", result], ["run", result, "-p", "amount=0.5"], ["verify", result]):
        assert cli(*arguments).code == 0
    for path in (home / "outputs").rglob("*"):
        assert "alice_secret" not in path.name
        assert path.is_dir() or b"alice_secret" not in path.read_bytes()


@pytest.mark.parametrize("change", ["moved", "deleted", "other bytes", "a folder", "a pipe", "unreadable folder"])
@pytest.mark.parametrize("named", ["id", "copied picture"])
def test_what_is_no_longer_there_is_asked_for(cli, made, album, home, named, change):
    path, result = album / "me.png", made.parent.name if named == "id" else copied(made, home)
    moved = shutil.copy(path, home.parent / "moved.png")
    match change:
        case "other bytes":
            write_image(Image(1 - read_image(path).pixels), path)
        case "unreadable folder":
            album.rename(home.parent / "gone")
        case _:
            path.unlink()
    if change == "a folder":
        path.mkdir()
    if change == "a pipe":
        os.mkfifo(path)
    for command in ("verify", "run"):
        said = cli(command, result)
        assert said.code == 2
        assert said.err.startswith("error: Input 'photo', 'me.png' of SHA-256 ")
        assert said.err.endswith(": it is not here.\nhint: Name a replacement: -p photo=FILE\n")
    assert cli("verify", result, "-q", "-p", f"photo={moved}").code == 0
    if change == "moved":
        assert cli("run", "recipe.yaml", "-q", "-p", f"photo={moved}").code == 0
        assert f"is taken from {moved}" in cli("run", result, "-q").err


def test_lists_masks_and_names_out_of_the_recipe_s_folder(cli, album, home):
    (home / "many.yaml").write_text(MANY)
    given = [f"-pphotos=[{album / 'me.png'}, photo.png, {album / 'you.png'}]", "-pregion=../alice_secret/you.png"]
    made = cli("run", "many.yaml", "-q", *given).out.strip()
    said = cli("verify", Path(made).parent.name, "-q", "--json")
    assert (said.code, said.data["verdict"]) == (0, "exact")
    said = cli("run", made, "-q", "--json")
    assert all(stage["cached"] for stage in said.data["record"]["stages"].values())
    names = {"photos-1": "me.png", "photos-3": "you.png"}
    assert [line for line in said.err.splitlines() if "taken" in line] == [
        f"Input '{name}' is taken from {album / file}." for name, file in names.items()
    ]


def test_what_is_taken_from_above_is_said(cli, album, home):
    (home / "link").symlink_to(album)
    for typed in ("../alice_secret/me.png", "link/me.png"):
        made = cli("run", "recipe.yaml", "-q", "-p", f"photo={typed}").out.strip()
        assert f"Input 'photo' is taken from {album / 'me.png'}.\n" in cli("run", made, "-q").err


def test_the_variants_of_a_sweep(cli, album):
    photos = f'photo=["{album / "me.png"}", "{album / "you.png"}"]'
    (folder,) = {Path(sheet).parent for sheet in cli("sweep", "recipe.yaml", "-q", "-p", photos).out.split()}
    pictures = list(folder.glob("photo=*.png"))
    assert len(pictures) == 2
    for picture in pictures:
        said = cli("run", picture, "-q", "--json")
        assert said.code == 0, said.err
        assert all(stage["cached"] for stage in said.data["record"]["stages"].values())
        assert cli("verify", picture, "-q", "--json").data["verdict"] == "exact"


def test_what_is_passed_on_holds_only_files_that_are_here_or_named(cli, made, album):
    said = cli("export", made.parent.name, "-o", "look.stylepipe")
    assert said.code == 2
    assert "hint: Name a replacement: -p photo=FILE\n" in said.err
    assert cli("export", made.parent.name, "-o", "look.stylepipe", "-p", f"photo={album / 'me.png'}").code == 0


def test_a_bundle_that_lacks_a_picture_is_given_none_of_the_user_s(cli, made, album):
    given = {"photo": album / "me.png"}
    contents = contents_of(made.parent, overrides=given, folders=[], weights=weights_source())
    lacking = {name: file for name, file in contents.members.items() if name != contents.references["photo"]}
    write_archive(Path("look.stylepipe"), lacking)
    for command in ("run", "plan", "verify"):
        said = cli(command, "look.stylepipe")
        assert said.code == 2
        assert "it is not here" in said.err
    write_archive(Path("whole.stylepipe"), contents.members)
    assert cli("run", "whole.stylepipe", "-q").code == 0


@pytest.mark.parametrize("recipe", ["recipe.yaml", "recipes/recipe.yaml", "{home}/recipe.yaml"])
@pytest.mark.parametrize("until", [(), ("--until", "dark")])
def test_the_report_s_command_finds_files_from_elsewhere(cli, home, album, recipe, until):
    (home / "recipes").mkdir()
    for name in ("recipe.yaml", "photo.png"):
        shutil.copy(home / name, home / "recipes")
    data = cli("run", recipe.format(home=home), "-q", "--json", "-p", f"photo={album / 'me.png'}", *until).data
    html = Path(data["folder"], "report.html").read_text()
    assert f"stylepipe run {Path(recipe).name if '{' in recipe else recipe} -p photo=me.png" in html
    (command,) = re.findall(r"of the run, <code>stylepipe (.*?)</code>", html)
    again = cli(*command.split(), "-q", "--json").data["record"]
    assert again["outputs"] == data["record"]["outputs"]
    assert list(again["stages"]) == list(data["record"]["stages"])
    assert all(stage["cached"] for stage in again["stages"].values())


def test_a_sweep_s_report_has_its_own_command_only(cli, home):
    data = cli("sweep", "recipe.yaml", "-q", "--json", "-p", "amount=[0.1, 0.2]").data
    assert "of the run, <code>" not in Path(data["folder"], "report.html").read_text()


@pytest.mark.parametrize("fault", ["garbage", "no folder may be made", "no home"])
def test_a_run_needs_no_index(cli, home, album, fault, monkeypatch):
    match fault:
        case "garbage":
            (home.parent / "caches/stylepipe/inputs").mkdir(parents=True, mode=0o700)
            (home.parent / "caches/stylepipe/inputs/inputs-1.sqlite").write_bytes(b"garbage" * 999)
        case "no folder may be made":
            monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
        case "no home":
            monkeypatch.setenv("XDG_CACHE_HOME", "")
            monkeypatch.setenv("HOME", "")
            monkeypatch.setenv("TMPDIR", str(home.parent))
    said = cli("run", "recipe.yaml", "-q", "-p", f"photo={album / 'me.png'}")
    assert said.code == 0
    assert said.err == "warning: recipe.yaml:9:3: no output needs unneeded; it does not run.\n"
    assert cli("verify", "toy", "-q", "-p", f"photo={album / 'me.png'}").code == 0
