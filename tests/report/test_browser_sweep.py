"""The page of a sweep in a real Chromium: sorting, filters, and two variants side by side, by pointer and by keys."""

import pytest
from playwright.sync_api import Page, expect

from .conftest import DESK, PHONE


def names(page: Page) -> list[str]:
    """What stands in the table, from above."""
    return [row.inner_text() for row in page.locator(".variants .name").all() if row.is_visible()]


A, B, C, D = (f"amount={amount}_style={style}.png" for amount in (0.5, 10.0) for style in ("waves", "dots"))


def test_the_table_is_sorted_by_numbers_and_what_has_none_comes_last(visit, swept):
    page = visit(swept)
    assert names(page) == [A, B, C, D]
    loss = page.get_by_role("button", name="loss painted")
    loss.press("Enter")
    assert names(page) == [C, B, A, D]
    expect(page.get_by_role("columnheader", name="loss painted")).to_have_attribute("aria-sort", "ascending")
    loss.press("Enter")
    assert names(page) == [A, B, C, D]
    fidelity = page.get_by_role("button", name="content fidelity")
    fidelity.click()
    fidelity.click()
    assert names(page) == [C, B, A, D]
    page.get_by_role("button", name="amount", exact=True).click()
    page.get_by_role("button", name="style", exact=True).click()
    assert names(page) == [A, C, B, D]
    expect(page.locator("[aria-sort=ascending]")).to_have_count(1)


def test_filters_leave_the_variants_that_have_all_values(visit, swept):
    page = visit(swept)
    page.locator("[data-axis=style]").select_option("dots.png")
    assert names(page) == [B, D]
    page.locator("[data-axis=status]").select_option("done")
    assert names(page) == [B]
    expect(page.locator(".count")).to_have_text("1 of 4 variants")
    page.locator("[data-axis=style]").select_option("all")
    assert names(page) == [A, B, C]


def test_any_two_are_put_side_by_side(visit, swept):
    page = visit(swept)
    left, right = page.locator(".view img").all()
    expect(left).to_have_attribute("alt", A)
    expect(right).to_have_attribute("alt", B)
    page.get_by_role("button", name=f"Compare {C} on the left").click()
    expect(left).to_have_attribute("alt", C)
    expect(left).to_have_js_property("naturalWidth", 80)
    expect(page.get_by_role("button", name=f"Compare {C} on the left")).to_have_attribute("aria-pressed", "true")
    page.locator("select.right").select_option("input content")
    expect(right).to_have_attribute("src", "01-content.png")


def placed(page: Page) -> list[str]:
    return page.locator(".view img").evaluate_all("pictures => pictures.map(picture => getComputedStyle(picture).transform)")


def test_both_are_zoomed_and_moved_as_one_by_keys(visit, swept):
    page = visit(swept)
    page.get_by_role("slider", name="Zoom").fill("2")
    assert placed(page)[0].startswith("matrix(2, 0, 0, 2,")
    page.locator(".view").last.press("ArrowRight")
    one, other = placed(page)
    assert one == other
    assert not one.endswith("0, 0)")
    for _ in range(9):
        page.locator(".view").first.press("ArrowRight")
    box = page.locator(".view").first.bounding_box()
    edge = page.locator(".view img").first.bounding_box()
    assert edge["x"] + edge["width"] == pytest.approx(box["x"] + box["width"], abs=0.5)  # no further than its edge
    page.locator(".view").first.press("0")
    assert set(placed(page)) == {"matrix(1, 0, 0, 1, 0, 0)"}


def test_a_point_stays_under_the_pointer_that_zooms_and_drags(visit, swept):
    page = visit(swept)
    view = page.locator(".view").first
    view.scroll_into_view_if_needed()
    box = view.bounding_box()
    at = {"x": box["width"] * 0.25, "y": box["height"] * 0.5}

    def under_pointer(x: float) -> float:
        picture = page.locator(".view img").first.bounding_box()
        return (box["x"] + x - picture["x"]) / picture["width"]

    view.dblclick(position=at)
    expect(page.locator(".zoom output")).to_have_text("4×")
    assert under_pointer(at["x"]) == pytest.approx(0.25, abs=0.01)
    page.mouse.move(box["x"] + at["x"], box["y"] + at["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + at["x"] + 40, box["y"] + at["y"], steps=4)
    page.mouse.up()
    assert under_pointer(at["x"] + 40) == pytest.approx(0.25, abs=0.01)
    assert len(set(placed(page))) == 1


@pytest.mark.slow
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_of_it_is_wider_than_the_window(visit, swept, width):
    page = visit(swept, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.locator(".variants").get_by_role("row")).to_have_count(5)
