"""The table of a sweep's variants: what stands in it, and by what it is sorted."""

import json

from stylepipe.engine.sweeps.results import load_results
from stylepipe.report.page import render
from stylepipe.report.variants_table import variant_table

from .test_page import HOSTILE, read


def test_a_row_holds_what_varies_and_what_came_of_it(swept):
    table = variant_table(load_results(swept), swept)
    assert table.axes == {"amount": ["0.5", "10.0"], "style": ["waves.png", "dots.png"]}
    assert list(table.columns) == ["amount", "style", "loss painted", "content fidelity", "seconds"]
    assert [row.status for row in table.rows] == ["done", "done", "done", "failed"]
    assert [[cell.order for cell in row.cells.values()] for row in table.rows] == [
        [0.5, 0, 3.0, 0.5, 1.5],
        [0.5, 1, 2.0, 0.625, 1.5],
        [10.0, 0, 1.0, 0.75, 1.5],
        [10.0, 1, None, None, 1.5],
    ]
    assert table.rows[0].files["sharp"].width == 80
    assert table.rows[3].files == {}


def test_the_page_of_a_sweep_has_its_variants_in_the_place_of_results(swept):
    page = read(swept)
    assert len([row for row in page.all("tr") if "role" in row]) == 5
    assert "amount=10.0_style=dots.png failed It is too bright. Close the shutters." in page.text
    assert "taken where no loss of the sweep compares: content fidelity of relu4_3." in page.text
    pictures = {image["alt"]: image.get("src") for image in page.all("img") if image.get("src")}
    assert pictures["amount=0.5_style=dots.png"] == "amount=0.5_style=dots.png.png"
    assert "amount=10.0_style=dots.png" not in pictures
    assert {"results.csv", "results.json"} <= {link["href"] for link in page.all("a")}
    assert page.all("input")[0]["type"] == "range"
    assert len(page.all("script")) == len(page.all("style")) == 1


def test_values_of_a_sweep_are_quoted_never_obeyed(swept):
    results = json.loads((swept / "results.json").read_text())
    results["axes"]["style"] = [HOSTILE, HOSTILE + "2"]
    for number, variant in enumerate(results["variants"]):
        variant |= {"name": f"{HOSTILE}{number}", "params": {"amount": 0.5, "style": HOSTILE}}
    results["variants"][0]["outputs"]["sharp"]["file"] = "../../secret.png"
    results["variants"][3]["error"]["message"] = HOSTILE
    (swept / "results.json").write_text(json.dumps(results))
    page = read(swept)
    assert len(page.all("script")) == 1
    assert {name for _, attributes in page.elements for name in attributes if name.startswith("on")} == set()
    assert "../../secret.png" not in render(swept)
