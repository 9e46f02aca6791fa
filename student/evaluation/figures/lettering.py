"""Text for pictures, in the font that comes with Matplotlib: OpenCV's own has no letters beyond ASCII."""

from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

Colour = tuple[int, int, int]
"""BGR."""
_MARGIN = 6
_LETTER = 0.56
"""Of a line's height."""


def strip(
    width: int, height: int, text: str, colour: Colour, background: Colour, right: str = ""
) -> UInt8[np.ndarray, "h w 3"]:
    """A line of text on a plain strip; `right` stands at its other end. Text that is too long is cut."""
    image = Image.new("RGB", (width, height), background)
    pen, font = ImageDraw.Draw(image), _font(round(_LETTER * height))
    room = width - 2.0 * _MARGIN - (font.getlength(right) + _MARGIN if right else 0.0)
    pen.text((_MARGIN, height / 2), _cut(text, font, room), colour, font, anchor="lm")
    pen.text((width - _MARGIN, height / 2), right, colour, font, anchor="rm")
    return np.array(image)


def paragraph(
    width: int, height: int, text: str, colour: Colour, background: Colour
) -> UInt8[np.ndarray, "h w 3"]:
    """Text in as many lines as it takes, each `height` pixels high."""
    font, lines = _font(round(_LETTER * height)), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width - 2 * _MARGIN:
            lines.append(word)
        else:
            lines[-1] = longer
    return np.vstack([strip(width, height, line, colour, background) for line in lines])


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _cut(text: str, font: ImageFont.FreeTypeFont, room: float) -> str:
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(f"{text}...") > room:
        text = text[:-1]
    return f"{text}..."
