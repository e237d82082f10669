"""The page in a real Chromium, from its file, without a network: what is seen, and what keys and pointer do."""

import pytest
from playwright.sync_api import expect

from .conftest import DESK, PHONE, image_input, losses, stage


def test_every_picture_is_loaded_when_it_comes_into_view(visit, finished):
    page = visit(finished)
    page.locator("details summary").click()
    for picture in page.locator("img").all():
        if picture.is_visible():
            picture.scroll_into_view_if_needed()
            expect(picture).to_have_js_property("naturalWidth", 80)


def test_the_result_is_shown_whole_until_the_slider_is_moved_by_keys(visit, finished):
    page = visit(finished)
    slider, before = page.get_by_role("slider"), page.locator(".before")
    expect(before).to_have_css("clip-path", "inset(0px 100% 0px 0px)")
    while not slider.evaluate("slider => slider === document.activeElement"):
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_value("1")
    expect(before).to_have_css("clip-path", "inset(0px 99% 0px 0px)")
    page.keyboard.press("End")
    expect(before).to_have_css("clip-path", "inset(0px 0% 0px 0px)")
    expect(slider).to_have_attribute("aria-valuetext", "100 % content")


def test_the_slider_follows_the_pointer_over_the_picture(visit, finished):
    page = visit(finished)
    box = page.locator(".compare").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + 10)
    page.mouse.down()
    expect(page.get_by_role("slider")).to_have_value("25")
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 20)
    page.mouse.up()
    page.mouse.move(box["x"], box["y"])
    expect(page.get_by_role("slider")).to_have_value("50")


def test_the_command_is_copied(visit, finished):
    page = visit(finished)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").press("Enter")
    expect(page.locator(".copy")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "stylepipe run look.yaml -p 'sizes=[64, 128]'"


def test_the_legend_singles_out_a_term(visit, finished):
    page = visit(finished)
    page.get_by_role("button", name="gram").press("Enter")
    faint = page.locator(".curve").evaluate_all("curves => curves.map(curve => curve.classList.contains('faint'))")
    assert sorted(faint) == [False, True, True]
    page.get_by_role("button", name="gram").press("Enter")
    expect(page.locator(".curve.faint")).to_have_count(0)


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_nothing_is_wider_than_the_window(visit, write_run, width):
    long = "a" * 150
    folder = write_run(
        [{"event": "stage started", "stage": "s"}, *losses("s", [4.0, 2.0], **{long: [1.0, 2.0]})],
        params={long: long, "list": [1] * 100, "deep": {long: {long: long}}},
        command=("stylepipe", "run", long),
        inputs={long: image_input(reference=long)},
        stages={"s": stage(params={long: {long: long}}, reasons=(long,), file="02-s.png")},
        error={"stage": "s", "message": long, "hint": long},
        description=long,
    )
    page = visit(folder, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_stand_out_from_what_is_behind_them(visit, finished, scheme):
    """The contrast that WCAG 2.2 asks for at level AA, 4.5 : 1."""
    page = visit(finished, scheme=scheme)
    paper = _luminance(page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor"))
    assert (paper > 0.5) == (scheme == "light")
    for text in ("h1", ".quiet", ".origin.computed", "figcaption"):
        ink = _luminance(page.locator(text).first.evaluate("element => getComputedStyle(element).color"))
        dark, light = sorted((ink, paper))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def _luminance(color: str) -> float:
    """The relative luminance of `rgb(r, g, b)`, as WCAG 2.2 defines it."""
    channels = [int(channel) / 255 for channel in color.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.slow
def test_a_stranger_s_texts_are_not_run(visit, write_run):
    text = "</script><script>alert(1)</script><img src='x' onerror='alert(1)'>"
    page = visit(write_run(recipe=text, description=text, params={text: text}, command=(text,)))
    expect(page.get_by_role("heading", level=1)).to_have_text(text)
