"""Run folders written by hand: what the pages are made from."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from stylepipe.artifacts import Image
from stylepipe.engine.runs.records import OutputRecord, RunRecord, StageRecord
from stylepipe.engine.sweeps.results import SweepResults, write_results
from stylepipe.image.files.io import write_image
from stylepipe.report.page import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE, DESK = 390, 1280

Open = Callable[..., Page]

ENVIRONMENT = {"stylepipe": "0.1.0", "python": "3.11.7", "jax": "0.10.2", "platform": "Linux x86_64", "device": "cpu"}


def stage(**fields: Any) -> StageRecord:
    """A computed stage of one input, but for these fields."""
    known = {
        "stage": "stylize",
        "params": {"size": 64},
        "inputs": {"content": "content"},
        "key": "a" * 64,
        "cached": False,
        "reasons": ("it has not run before",),
        "computed": "2026-01-02T03:04:05+00:00",
        "seconds": 75.2,
        "iterations": 3,
        "output": "b" * 64,
    }
    return StageRecord.model_validate(known | fields)


def image_input(file: str | None = "01-content.png", *, kind: str = "image", reference: str = "photo.jpg") -> dict[str, Any]:
    return {"kind": kind, "reference": reference, "sha256": "c" * 64, "file": file}


def losses(stage: str, values: Sequence[float], **terms: Sequence[float]) -> list[dict[str, Any]]:
    """A log line for each iteration."""
    return [
        {
            "event": "progress",
            "stage": stage,
            "done": number + 1,
            "total": len(values),
            "loss": value,
            "terms": {name: of_term[number] for name, of_term in terms.items()},
        }
        for number, value in enumerate(values)
    ]


@pytest.fixture
def write_run(tmp_path: Path) -> Callable[..., Path]:
    """Writes the folder of a run: its record, its log, and random pictures under the names that the record holds."""

    def write(events: Sequence[Mapping[str, Any]] = (), *, description: str = "A look.", **fields: Any) -> Path:
        folder = tmp_path / "outputs" / "look" / "20260102-030400-abcdef"
        folder.mkdir(parents=True)
        known = {
            "id": folder.name,
            "recipe": "look",
            "status": "done",
            "started": "2026-01-02T03:04:00+00:00",
            "seconds": 80.0,
            "seed": 7,
            "params": {"size": 64},
            "environment": ENVIRONMENT,
        }
        record = RunRecord.model_validate(known | fields)
        (folder / "record.json").write_text(record.model_dump_json())
        (folder / "resolved.yaml").write_text(json.dumps({"name": record.recipe, "description": description}))
        (folder / "recipe.yaml").write_text("stylepipe: 1\n")
        (folder / "events.jsonl").write_text("".join(json.dumps({"time": 1.0, **event}) + "\n" for event in events))
        files = [
            *(found.file for found in record.inputs.values()),
            *(found.file for found in record.stages.values()),
            *(found.animation for found in record.stages.values()),
            *(found.file for found in record.outputs.values()),
            record.error and record.error.last_frame,
        ]
        for name in filter(None, files):
            if name.endswith((".png", ".webp")):
                write_image(Image(np.random.default_rng(1).random((60, 80, 3), np.float32)), folder / name)
            elif Path(name).name == name:
                (folder / name).write_bytes(b"tensors")
        return folder

    return write


@pytest.fixture
def finished(write_run: Callable[..., Path]) -> Path:
    """A run of two stages, the first from the cache and with an animation."""
    events = [
        {"event": "run started", "stages": ["stylized", "sharp"]},
        {"event": "stage cached", "stage": "stylized"},
        *losses("stylized", [4.0, 2.0, 1.0], content=[1.0, 1.5, 0.5], gram=[3.0, 0.5, 0.5]),
        {"event": "note", "stage": "stylized", "text": "It was quick."},
        {"event": "stage started", "stage": "sharp", "reasons": ["it has not run before"]},
        {"event": "stage finished", "stage": "sharp", "seconds": 0.2},
        {"event": "run ended", "status": "done"},
    ]
    first = stage(
        cached=True,
        reasons=(),
        file="03-stylized@64.png",
        animation="03-stylized@64.webp",
        inputs={"content": "content", "styles": ["style"]},
    )
    second = stage(stage="sharpen", inputs={"image": "stylized"}, file="04-sharp.png", seconds=0.2, iterations=None)
    return write_run(
        events,
        command=("stylepipe", "run", "look.yaml", "-p", "sizes=[64, 128]"),
        inputs={"content": image_input(), "style": image_input("02-style.png"), "vgg": image_input(None, kind="weights")},
        stages={"stylized": first, "sharp": second},
        outputs={"sharp": OutputRecord(stage="sharp", digest="d" * 64, file="sharp.png")},
    )


@pytest.fixture
def swept(write_run: Callable[..., Path]) -> Path:
    """A sweep of four variants, of which the last failed."""
    values = [(amount, style) for amount in (0.5, 10.0) for style in ("waves.png", "dots.png")]
    names = [f"amount={amount}_style={style}" for amount, style in values]
    error = {"stage": "sharp@10.0_dots", "message": "It is too bright.", "hint": "Close the shutters."}
    outputs = {name: OutputRecord(stage="sharp", digest="d" * 64, file=f"{name}.png") for name in names[:3]}
    folder = write_run(
        status="failed",
        inputs={"content": image_input(), "region": image_input("02-region.png", kind="mask")},
        outputs=outputs,
        failures={"sharp@10.0_dots": error},
    )
    results = SweepResults.model_validate(
        {
            "id": folder.name,
            "recipe": "look",
            "axes": {"amount": (0.5, 10.0), "style": ("waves.png", "dots.png"), "size": (64,)},
            "outputs": ("sharp",),
            "measures": {"content fidelity": "relu4_3"},
            "variants": [
                {
                    "name": name,
                    "status": "done" if name in outputs else "failed",
                    "params": {"amount": amount, "style": style, "size": 64},
                    "losses": {} if number == 3 else {"painted": {"done": 9, "total": 9, "loss": 3.0 - number, "terms": {}}},
                    "quality": {"sharp": {"content fidelity": 0.5 + number / 8}} if name in outputs else {},
                    "seconds": 1.5,
                    "stages": {"sharp": f"sharp@{amount}"},
                    "outputs": {"sharp": outputs[name]} if name in outputs else {},
                    "error": None if name in outputs else error,
                }
                for number, (name, (amount, style)) in enumerate(zip(names, values, strict=True))
            ],
        }
    )
    write_results(results, folder)
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with (
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"]) as started,
    ):
        yield started


@pytest.fixture
def visit(browser: Browser) -> Iterator[Open]:
    """Opens a run's report; whatever the browser complains about, or asks elsewhere for, fails the test at its end."""
    complaints: list[str] = []
    context = browser.new_context()

    def open_page(folder: Path, *, width: int = DESK, scheme: str = "light") -> Page:
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("requestfailed", lambda request: complaints.append(request.url))
        page.on("request", lambda request: None if request.url.startswith("file:") else complaints.append(request.url))
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.goto(write_report(folder).as_uri())
        return page

    yield open_page
    context.close()
    assert complaints == []
