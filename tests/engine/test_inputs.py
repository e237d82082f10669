"""Inputs: found, digested, read when needed; what is wrong is said with its place in the recipe."""

import errno
import hashlib
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stylepipe import artifacts
from stylepipe.artifacts import Folder, Image, Mask, Weights
from stylepipe.engine.inputs import find_input, read_input, reader_module
from stylepipe.errors import ChangedInput, InputError, StylepipeError


def test_the_digest_is_of_the_file_and_the_kind(lab):
    file = lab.image("content", 1)
    found = find_input(file, lab.weights)
    sha256 = hashlib.sha256((lab.folder / "content.png").read_bytes()).hexdigest()
    assert found.sha256 == sha256
    assert found.digest == f"image.png:{sha256}"
    assert find_input(replace(file, kind="mask"), lab.weights).digest == f"mask.png:{sha256}"


def test_how_a_mask_is_read_is_in_its_digest_and_in_what_is_read(lab):
    file = lab.mask("m")
    plain, inverted, red = (
        find_input(replace(file, **options), lab.weights) for options in ({}, {"invert": True}, {"channel": "red"})
    )
    assert len({plain.digest, inverted.digest, red.digest}) == 3
    assert plain.digest == f"mask.png:{plain.sha256}"
    values, other = (read_input(found, lab.weights).values for found in (plain, inverted))
    np.testing.assert_allclose(other, 1 - values, atol=1e-6)


def test_each_kind_is_read_by_its_reader(lab):
    artifacts.save(Weights({"a": np.ones(3)}), lab.folder / "vgg.weights")
    artifacts.save(Weights({"a": np.ones(4)}), lab.folder / "own.safetensors")
    read = [
        read_input(find_input(file, lab.weights), lab.weights)
        for file in (
            lab.image("i", 1),
            lab.mask("m"),
            lab.input("w", "weights", "vgg"),
            lab.input("o", "weights", "own.safetensors"),
        )
    ]
    assert [type(value) for value in read] == [Image, Mask, Weights, Weights]
    assert read[0].size == read[1].size == (6, 8)
    assert [value.tensors["a"].size for value in read[2:]] == [3, 4]
    assert reader_module("image", lab.weights) == reader_module("mask", lab.weights) == "stylepipe.image.files.io"
    assert reader_module("weights", lab.weights) == lab.weights.read.__module__


@pytest.fixture
def folder(lab):
    """An input of two pictures, one of them in a folder within, and of a file that is none."""
    lab.image("photos", 0)
    (lab.folder / "photos" / "inner").mkdir(parents=True)
    for number, name in enumerate(("b.png", "inner/a.png")):
        lab.image("one", number + 1)
        (lab.folder / "one.png").rename(lab.folder / "photos" / name)
    (lab.folder / "photos" / "titles.tsv").write_text("b.png\ta picture")
    return lab.input("photos", "folder", "photos")


def test_a_folder_hands_out_its_pictures_one_by_one(lab, folder):
    found = read_input(find_input(folder, lab.weights), lab.weights)
    assert isinstance(found, Folder)
    assert found.names == ("b.png", "inner/a.png")
    expected = read_input(find_input(lab.image("again", 2), lab.weights), lab.weights)
    np.testing.assert_array_equal(found.read("inner/a.png").pixels, expected.pixels)


@pytest.mark.parametrize("other", ["content.jpg", "content.jpeg", "content.tiff"])
def test_the_same_bytes_under_another_ending_are_another_input(lab, other):
    """How a file is read goes by its ending: what is refused under one must not come from the cache under another."""
    file = lab.image("content", 1)
    shutil.copy(lab.folder / "content.png", lab.folder / other)
    here = find_input(file, lab.weights)
    there = find_input(replace(file, reference=other), lab.weights)
    assert here.sha256 == there.sha256
    assert here.digest != there.digest


def test_the_same_bytes_under_an_ending_in_capitals_are_the_same_input(lab):
    file = lab.image("content", 1)
    shutil.copy(lab.folder / "content.png", lab.folder / "COPY.PNG")
    assert find_input(file, lab.weights).digest == find_input(replace(file, reference="COPY.PNG"), lab.weights).digest


def test_the_digest_of_a_folder_is_of_names_and_contents(lab, folder):
    def digest():
        return find_input(folder, lab.weights).digest

    first, path = digest(), lab.folder / "photos"
    assert first.startswith("folder:")
    (path / "titles.tsv").write_text("no picture")
    assert digest() == first
    (path / "b.png").rename(path / "c.png")
    renamed = digest()
    (path / "c.png").write_bytes((path / "inner" / "a.png").read_bytes())
    assert len({first, renamed, digest()}) == 3


def test_a_folder_without_pictures(lab):
    (lab.folder / "photos").mkdir()
    error = problem(lab, lab.input("photos", "folder", "photos"))
    assert error.message.startswith("recipe.yaml:3:5: input 'photos' names 'photos': it contains no picture (.png, .jpg")


def test_a_file_where_a_folder_is_expected(lab):
    lab.image("content", 1)
    error = problem(lab, lab.input("photos", "folder", "content.png"))
    assert error.message == "recipe.yaml:3:5: input 'photos' names 'content.png': it is not a folder."
    error = problem(lab, lab.input("photos", "folder", "photos"))
    assert error.message == "recipe.yaml:3:5: input 'photos' names 'photos': there is no such folder."


def test_a_picture_of_a_folder_that_leads_out_of_the_recipes_folder(lab, folder, tmp_path):
    lab.image("one", 1)
    (lab.folder / "one.png").rename(tmp_path / "secret.png")
    (lab.folder / "photos" / "z.png").symlink_to(tmp_path / "secret.png")
    error = problem(lab, folder)
    assert "a symbolic link leads it out of the recipe's folder" in error.message
    assert find_input(replace(folder, confined=False), lab.weights).sha256


def test_a_picture_of_a_folder_that_changes_during_the_run(lab, folder):
    found = read_input(find_input(folder, lab.weights), lab.weights)
    lab.image("one", 9, size=(4, 4))
    (lab.folder / "photos" / "b.png").write_bytes((lab.folder / "one.png").read_bytes())
    with pytest.raises(InputError, match="it changed during the run"):
        found.read("b.png")


def test_a_picture_of_a_folder_that_is_gone_or_damaged_afterwards_is_a_changed_one(lab, folder):
    found = read_input(find_input(folder, lab.weights), lab.weights)
    assert found.outline is not None
    assert found.outline("inner/a.png").size == found.read("inner/a.png").size
    (lab.folder / "photos" / "b.png").write_bytes(b"no picture")
    (lab.folder / "photos" / "inner" / "a.png").unlink()
    for name in found.names:
        for read in (found.read, found.outline):
            with pytest.raises(ChangedInput, match="it changed during the run"):
                read(name)


def problem(lab, file) -> StylepipeError:
    with pytest.raises(StylepipeError) as caught:
        read_input(find_input(file, lab.weights), lab.weights)
    assert caught.value.exit_code == 2
    return caught.value


def test_a_missing_file(lab):
    error = problem(lab, lab.input("content", "image", "sub/nothing.png"))
    assert error.message == "recipe.yaml:3:5: input 'content' names 'sub/nothing.png': there is no such file."
    assert error.hint == f"It was looked for at {lab.folder / 'sub' / 'nothing.png'}."


def test_a_path_through_a_file(lab):
    lab.image("content", 1)
    assert "there is no such file" in problem(lab, lab.input("content", "image", "content.png/x.png")).message


def test_a_folder(lab):
    (lab.folder / "sub.png").mkdir()
    error = problem(lab, lab.input("content", "image", "sub.png"))
    assert error.message == "recipe.yaml:3:5: input 'content' names 'sub.png': it is a folder."


def test_a_pipe(lab):
    os.mkfifo(lab.folder / "p.png")
    error = problem(lab, lab.input("content", "image", "p.png"))
    assert error.message == "recipe.yaml:3:5: input 'content' names 'p.png': it is not a regular file."


@pytest.mark.parametrize("reference", ["x" * 300 + ".png", "loop.png"])
def test_a_name_that_the_system_refuses(lab, reference):
    (lab.folder / "loop.png").symlink_to("loop.png")
    assert problem(lab, lab.input("content", "image", reference)).message.startswith("recipe.yaml:3:5: input 'content' names ")


@pytest.mark.parametrize("reference", ["link.png", "linked/outside.png"])
def test_a_link_out_of_the_recipes_folder(lab, reference):
    outside = lab.root / "outside.png"
    lab.image("content", 1)
    (lab.folder / "content.png").rename(outside)
    (lab.folder / "link.png").symlink_to(outside)
    (lab.folder / "linked").symlink_to(lab.root)
    file = lab.input("content", "image", reference)
    error = problem(lab, file)
    assert error.message == (
        f"recipe.yaml:3:5: input 'content' names '{reference}': a symbolic link leads it out of the recipe's folder."
    )
    assert error.hint == (
        f"It was looked for at {outside}. Make it a param, '{{image: $params.content}}', and give it on the command line:"
        " -p content=PATH."
    )
    assert find_input(replace(file, confined=False), lab.weights).path == lab.folder / reference


def test_links_within_the_recipes_folder_and_to_it(lab):
    lab.image("content", 1)
    (lab.folder / "link.png").symlink_to("content.png")
    (lab.root / "alias").symlink_to(lab.folder)
    file = replace(lab.input("content", "image", "link.png"), root=lab.root / "alias")
    assert read_input(find_input(file, lab.weights), lab.weights).size == (6, 8)


def test_a_file_that_cannot_be_opened(lab, monkeypatch):
    def refuse(*args):
        raise PermissionError(errno.EACCES, "Permission denied")

    file = lab.image("content", 1)
    monkeypatch.setattr(Path, "open", refuse)
    assert problem(lab, file).message == (
        "recipe.yaml:3:5: input 'content' names 'content.png': it cannot be read (Permission denied)."
    )


def test_a_damaged_picture(lab):
    lab.image("content", 1)
    path = lab.folder / "content.png"
    path.write_bytes(path.read_bytes()[:60])
    error = problem(lab, lab.input("content", "image", "content.png"))
    assert isinstance(error, InputError)
    assert error.message.startswith("recipe.yaml:3:5: input 'content': 'content.png' is damaged")


def test_weights_that_are_not_there(lab):
    error = problem(lab, lab.input("vgg", "weights", "vgg19"))
    assert str(error) == "recipe.yaml:3:5: input 'vgg': There are no weights 'vgg19'. Pull them."


def test_a_file_that_changes_during_the_run(lab):
    found = find_input(lab.image("content", 1), lab.weights)
    lab.image("content", 2)
    os.utime(lab.folder / "content.png", ns=(1, 1))
    with pytest.raises(InputError, match="it changed during the run"):
        read_input(found, lab.weights)
