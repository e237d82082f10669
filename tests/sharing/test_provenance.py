"""Provenance: what is in it, recipes with inputs as params, reading it back."""

import pytest

from stylepipe.errors import InputError
from stylepipe.recipe.load import load_recipe
from stylepipe.sharing.provenance import params_of_inputs, parse_provenance, portable

DOCUMENT = {
    "stylepipe": 1,
    "name": "look",
    "description": "costs $$5",
    "seed": 3,
    "inputs": {"photo": {"image": "a$$b.png"}, "region": {"mask": "masks/m.png"}, "net": {"weights": "vgg19-slim"}},
    "stages": {"moved": {"use": "mask_transfer", "image": "$photo", "background": "$photo", "mask": "$region"}},
    "outputs": {"moved": "$moved"},
}


FILES = {"photo": "a$b.png", "region": "masks/m.png", "net": "vgg19-slim"}


def test_inputs_become_params_and_all_else_stays():
    made = portable(DOCUMENT, FILES)
    assert made["params"] == {"photo": "a$$b.png", "region": "masks/m.png", "net": "vgg19-slim"}
    assert made["inputs"] == {
        "photo": {"image": "$params.photo"},
        "region": {"mask": "$params.region"},
        "net": {"weights": "$params.net"},
    }
    assert {key: made[key] for key in ("description", "seed", "stages", "outputs")} == {
        key: DOCUMENT[key] for key in ("description", "seed", "stages", "outputs")
    }


def test_files_may_have_other_places():
    made = portable(DOCUMENT, {"photo": "inputs/photo$.png"})
    assert made["params"]["photo"] == "inputs/photo$$.png"


def test_params_of_the_recipe_stay():
    document = {
        **DOCUMENT,
        "params": {"picture": "a.png", "folder": "masks", "amount": 0.5, "net": 3},
        "inputs": {
            "photo": {"image": "$params.picture"},
            "other": {"image": "$params.picture"},
            "region": {"mask": "${params.folder}/m.png"},
            "net": {"weights": "vgg19-slim"},
        },
    }
    made = portable(document, {**FILES, "other": "a$b.png"})
    assert made["params"] == {
        "picture": "a$$b.png",
        "folder": "masks",
        "amount": 0.5,
        "net": 3,
        "region": "masks/m.png",
        "net_2": "vgg19-slim",
    }
    assert params_of_inputs(made, {**FILES, "other": ""}) == {
        "photo": "picture",
        "other": "picture",
        "region": "region",
        "net": "net_2",
    }
    assert portable(made, {**FILES, "other": "a$b.png"}) == made


def test_a_param_that_stages_read_too_keeps_its_value():
    stages = {"moved": {**DOCUMENT["stages"]["moved"], "label": "of ${params.picture}"}}
    document = {**DOCUMENT, "params": {"picture": "a.png"}, "stages": stages}
    made = portable({**document, "inputs": {**DOCUMENT["inputs"], "photo": {"image": "$params.picture"}}}, FILES)
    assert made["params"]["picture"] == "a.png"
    assert params_of_inputs(made, FILES)["photo"] == "photo"


def test_inputs_that_the_run_did_not_need_stay_as_they_are():
    made = portable(DOCUMENT, {"photo": "b.png"})
    assert made["inputs"] == {**DOCUMENT["inputs"], "photo": {"image": "$params.photo"}}


def test_it_is_a_recipe(tmp_path, provenance):
    path = tmp_path / "look.yaml"
    path.write_text(provenance.recipe)
    other = load_recipe(path, overrides={"photo": "/elsewhere/b.png"}).inputs["photo"]
    assert (other.reference, other.confined) == ("/elsewhere/b.png", False)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 1}', '{"format": "x"}', "[" * 100_000])
def test_what_cannot_be_read(text):
    with pytest.raises(InputError, match=r"The provenance in 'x.png' cannot be read"):
        parse_provenance(text, file="x.png")


def test_a_newer_format(provenance):
    text = provenance.model_copy(update={"format": 2}).model_dump_json()
    with pytest.raises(InputError, match=r"'x.png' is of the newer format 2; this stylepipe reads format 1"):
        parse_provenance(text, file="x.png")
    assert parse_provenance(provenance.model_dump_json()[:-1] + ', "later": 1}', file="x.png") == provenance
