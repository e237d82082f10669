"""The page about a run, by its HTML: what it shows of each kind of run, what it refers to, what it never lets through."""

import fcntl
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from stylepipe.engine.runs.records import OutputRecord
from stylepipe.errors import StoreError
from stylepipe.report.page import render, write_report

from .conftest import image_input, losses, stage

VOID = {"meta", "img", "input", "link", "br"}


class Page(HTMLParser):
    """The elements of a page, its text outside scripts and styles, and whether all that is opened is closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for found, attributes in self.elements if found == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split()).replace(" ,", ",")


def read(folder: Path) -> Page:
    page = Page(render(folder))
    assert page.open == []
    return page


# --- a finished run -----------------------------------------------------------------------------------------------------


def test_it_lies_in_the_run_s_folder(finished):
    assert write_report(finished) == finished / "report.html"
    assert (finished / "report.html").read_text(encoding="utf-8") == render(finished)


def test_it_shows_every_picture_with_a_text_for_those_who_do_not_see_it(finished):
    page = read(finished)
    shown = [unquote(image["src"]) for image in page.all("img")]
    assert set(shown) == {path.name for path in finished.iterdir() if path.suffix in (".png", ".webp")}
    assert all(image["alt"] and image["width"] == "80" and image["height"] == "60" for image in page.all("img"))


def test_it_refers_to_files_beside_it_and_to_nothing_else(finished):
    html = render(finished)
    page = read(finished)
    addresses = [value for _, attributes in page.elements for name, value in attributes.items() if name in ("src", "href")]
    assert addresses
    assert [address for address in addresses if not (finished / unquote(address)).is_file() or "/" in address] == []
    assert page.all("link") == []
    assert re.findall(r"https?:|url\(|@import|srcset|\"//", html) == []
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; img-src 'self' file:;")


def test_it_names_no_folder_of_this_machine(finished):
    html = render(finished)
    assert str(finished.parent) not in html
    assert str(Path.home()) not in html


def test_it_tells_how_each_stage_came_to_be(finished):
    text = read(finished).text
    assert "look A look. Done 2 January 2026, 03:04 1 min 20 s 2 stages, 1 cached seed 7" in text
    assert "stylized stylize Cached computed 2 January 2026, 03:04, in 1 min 15 s 3 iterations" in text
    assert "It was quick." in text
    assert "sharp sharpen Computed in 0.2 s because it has not run before image stylized" in text
    assert "stylepipe run look.yaml -p 'sizes=[64, 128]'" in text
    for digest in "abc":
        assert digest * 64 in text
    for name, version in {"jax": "0.10.2", "device": "cpu", "platform": "Linux x86_64"}.items():
        assert f"{name} {version}" in text


def test_the_result_is_compared_with_the_picture_that_its_first_arguments_lead_back_to(finished):
    (slider,) = read(finished).all("input")
    assert slider["type"] == "range"
    assert slider["aria-label"] == "How much of content is shown over sharp, from the left"


def test_there_is_nothing_to_compare_a_result_with_that_comes_from_no_picture(write_run):
    folder = write_run(
        stages={"noise": stage(inputs={}, file="01-noise.png")},
        outputs={"noise": OutputRecord(stage="noise", digest="d" * 64, file="noise.png")},
    )
    assert read(folder).all("input") == []


def test_losses_are_curves_by_term(finished):
    page = read(finished)
    (svg,) = page.all("svg")
    assert svg["role"] == "img"
    assert svg["aria-label"] == "Loss from 4 to 1, iterations 1 to 3, on a logarithmic scale."
    assert len([path for path in page.all("path") if "curve" in path["class"]]) == 3
    assert "loss 1 content 0.5 gram 0.5" in page.text


def test_parameters_are_written_as_in_a_recipe_and_those_not_given_are_left_out(write_run):
    params = {
        "size": 64,
        "weights": [1.0, 2],
        "clamp": True,
        "start": None,
        "loss": {"kind": "gram", "layers": {"relu1_1": 1.0}},
    }
    folder = write_run([{"event": "stage started", "stage": "s"}], stages={"s": stage(params=params)})
    page = read(folder)
    assert "weights [1.0, 2] clamp true loss kind: gram layers: relu1_1: 1.0" in page.text
    assert "start" not in page.text.split("Stages")[1].split("Provenance")[0].replace("started", "")


# --- other runs ---------------------------------------------------------------------------------------------------------


def test_a_failed_run_says_why_and_shows_the_last_picture(write_run):
    folder = write_run(
        [
            {"event": "run started", "stages": ["stylized", "sharp"]},
            {"event": "stage started", "stage": "stylized", "reasons": []},
            *losses("stylized", [4.0, 2.0, 3.0]),
        ],
        status="failed",
        inputs={"content": image_input()},
        error={"stage": "stylized", "message": "It diverged.", "hint": "Lower the rate.", "last_frame": "02-stylized.last.png"},
    )
    (folder / "traceback.txt").write_text("Traceback")
    page = read(folder)
    assert "Failed" in page.text
    assert "What went wrong It diverged. Lower the rate. The last preview of stylized" in page.text
    assert "Not finished 3 of 3 iterations" in page.text
    assert "Not reached: sharp." in page.text
    assert {"02-stylized.last.png", "traceback.txt"} <= {link["href"] for link in page.all("a")}
    assert len(page.all("svg")) == 1


def test_a_run_that_went_on_names_all_that_failed_and_what_that_kept_from_running(write_run):
    folder = write_run(
        [
            {"event": "run started", "stages": ["first", "second", "third"]},
            {"event": "stage started", "stage": "first"},
            {"event": "stage started", "stage": "second"},
            {"event": "note", "stage": "third", "text": "It is skipped, because it needs 'first'."},
        ],
        status="failed",
        failures={
            "first": {"stage": "first", "message": "It is too dark.", "hint": "Light a lamp."},
            "second": {"stage": "second", "message": "It is too bright.", "hint": None},
        },
    )
    text = read(folder).text
    assert "What went wrong It is too dark. Light a lamp. It is too bright." in text
    assert "Not reached: third." in text
    assert "third: It is skipped, because it needs 'first'." in text


def test_an_interrupted_run_says_how_to_go_on(write_run):
    hint = "Run the same command again."
    folder = write_run(status="interrupted", error={"stage": None, "message": "Stopped.", "hint": hint})
    assert (
        f"Interrupted 2 January 2026, 03:04 1 min 20 s 0 stages, 0 cached seed 7 Why it stopped Stopped. {hint}"
        in read(folder).text
    )


def test_a_run_that_was_killed_says_so_and_its_broken_last_line_is_left_out(write_run):
    folder = write_run([{"event": "stage started", "stage": "s"}, *losses("s", [4.0, 2.0])], status="running", seconds=0.1)
    with (folder / "events.jsonl").open("a") as file:
        file.write('{"time": 3.0, "event": "progr')
    text = read(folder).text
    assert "Killed 2 January 2026, 03:04 1.0 s" in text
    assert "This run was killed" in text
    assert "2 of 2 iterations" in text


def test_a_run_that_goes_on_is_shown_as_far_as_it_has_come(write_run):
    folder = write_run([{"event": "stage started", "stage": "s"}, *losses("s", [4.0, 2.0])], status="running")
    with (folder / "events.jsonl").open("a") as alive:
        fcntl.flock(alive, fcntl.LOCK_EX)
        text = read(folder).text
    assert "This run is in progress" in text
    assert "2 of 2 iterations" in text


def test_a_training_has_curves_and_weights_but_no_picture(write_run):
    steps = losses("student", [1 / (1 + step) for step in range(2000)])
    for step in (499, 999, 1999):
        steps[step]["terms"] = {"validation mse": 0.5}
    folder = write_run(
        [{"event": "stage started", "stage": "student"}, *steps],
        stages={"student": stage(stage="distill", inputs={"pictures": ["photos"]})},
        inputs={"photos": image_input(None, kind="folder", reference="photos")},
        outputs={"student": OutputRecord(stage="student", digest="d" * 64, file="student.safetensors")},
    )
    page = read(folder)
    assert page.all("img") == []
    assert "student student.safetensors, 7 bytes" in page.text
    dots = [path["d"] for path in page.all("path") if "dots" in path["class"]]
    assert [path.count("h0") for path in dots] == [3]


def test_pictures_that_someone_has_removed_or_damaged_are_left_out(finished):
    (finished / "04-sharp.png").unlink()
    (finished / "02-style.png").write_bytes(b"not a picture")
    (finished / "sharp.png").write_bytes(b"nor is this")
    page = read(finished)
    assert {image["src"] for image in page.all("img")} == {"01-content.png", "03-stylized@64.png", "03-stylized@64.webp"}
    assert "sharp.png" in {link["href"] for link in page.all("a")}


def test_a_folder_that_is_not_a_run_s_is_refused(tmp_path):
    with pytest.raises(StoreError, match="is not the folder of a run"):
        write_report(tmp_path)


# --- strangers' texts ---------------------------------------------------------------------------------------------------

HOSTILE = """</style></script><script>alert(1)</script><img src=x onerror=alert(1)>"'{{ 7*7 }}{% raw %}"""


def test_names_and_texts_are_quoted_never_obeyed(write_run):
    folder = write_run(
        [
            {"event": "run started", "stages": [HOSTILE, "later" + HOSTILE]},
            {"event": "stage started", "stage": HOSTILE},
            *losses(HOSTILE, [2.0, 1.0], **{HOSTILE: [2.0, 1.0]}),
            {"event": "note", "stage": HOSTILE, "text": HOSTILE},
            {"event": "note", "stage": None, "text": HOSTILE},
        ],
        description=HOSTILE,
        recipe=HOSTILE,
        status="failed",
        params={HOSTILE: HOSTILE, "list": [HOSTILE], "deep": {HOSTILE: {"x": HOSTILE}}},
        environment={"stylepipe": HOSTILE, "jax": HOSTILE, "platform": HOSTILE, "device": HOSTILE},
        command=("stylepipe", HOSTILE),
        inputs={HOSTILE: image_input(reference=HOSTILE, kind="image")},
        stages={HOSTILE: stage(stage=HOSTILE, inputs={HOSTILE: HOSTILE + "2"}, reasons=(HOSTILE,), params={HOSTILE: HOSTILE})},
        outputs={HOSTILE: OutputRecord(stage=HOSTILE, digest=HOSTILE, file="result.png")},
        error={"stage": HOSTILE, "message": HOSTILE, "hint": HOSTILE},
    )
    page = read(folder)
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert {name for _, attributes in page.elements for name in attributes if name.startswith("on")} == set()
    assert {image["src"] for image in page.all("img")} == {"01-content.png", "result.png"}
    assert page.text.count("{{ 7*7 }}") > 10
    assert "49" not in page.text.replace("0.49", "")


@pytest.mark.parametrize("file", ["../../secret.png", "/etc/passwd", "https://example.org/x.png", "..", "gone.png"])
def test_a_record_cannot_lead_the_page_elsewhere(finished, file):
    (finished.parents[1] / "secret.png").write_bytes((finished / "sharp.png").read_bytes())
    data = json.loads((finished / "record.json").read_text())
    data["stages"]["sharp"]["file"] = file
    (finished / "record.json").write_text(json.dumps(data))
    assert file not in [image["src"] for image in read(finished).all("img")]
