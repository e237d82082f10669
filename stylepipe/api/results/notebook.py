"""How results show themselves in notebooks: HTML with the pictures in it, and loss curves as SVG."""

import base64
from collections.abc import Sequence
from html import escape
from pathlib import Path

from stylepipe.engine.events import Line
from stylepipe.report.loss_chart import chart

_COLORS = ("#222222", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
"""The colors of loss curves: black for the sum, and those of Okabe and Ito, which everybody can tell apart."""


def division(*figures: str, caption: str) -> str:
    """Returns the figures, one below the other, and a caption."""
    return f"<div>{''.join(figures)}<p>{escape(caption)}</p></div>"


def figure(name: str, path: Path) -> str:
    """Returns the picture of a PNG file with its name."""
    data = base64.b64encode(path.read_bytes()).decode()
    return _figure(f'<img src="data:image/png;base64,{data}" style="max-width: 100%" alt="{escape(name)}">', name)


def loss_figure(name: str, lines: Sequence[Line]) -> str | None:
    """Returns the loss curves of a stage with its name; None unless two iterations have a positive loss."""
    drawn = chart(lines)
    if drawn is None:
        return None
    curves = "".join(
        f'<path d="{curve.path}" fill="none" stroke="{_COLORS[curve.color % len(_COLORS)]}" stroke-width="1.5"'
        f' stroke-linecap="round" vector-effect="non-scaling-stroke"><title>{escape(curve.name)}</title></path>'
        for curve in drawn.curves
    )
    style = "width: 100%; max-width: 40em; height: 12em; background: white"
    return _figure(
        f'<svg viewBox="0 0 100 100" preserveAspectRatio="none" style="{style}">{curves}</svg>', f"{name}: {drawn.summary}"
    )


def _figure(content: str, caption: str) -> str:
    return f"<figure>{content}<figcaption>{escape(caption)}</figcaption></figure>"
