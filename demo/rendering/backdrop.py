"""What is behind the people."""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from jaxtyping import Float

Image = Float[np.ndarray, "H W 3"]


def paint_backdrop(kind: str, size: tuple[int, int], rng: np.random.Generator) -> Image:
    """One of `BACKDROPS` at (width, height); BGR, 0 and up, mostly under 1."""
    image = np.ascontiguousarray(BACKDROPS[kind](size, rng), dtype=np.float32)
    grain = _clouds(size, rng, cells=int(rng.integers(8, 40)))
    image += np.float32(rng.uniform(0.02, 0.10)) * grain[..., None]
    return np.maximum(image, 0, out=image)


def _indoor(size: tuple[int, int], rng: np.random.Generator) -> Image:
    width, height = size
    skirting = int(height * rng.uniform(0.55, 0.85))
    image = _gradient(size, _muted(rng), _muted(rng))
    image[skirting:] = _gradient((width, height - skirting), _muted(rng), _muted(rng))
    for _ in range(rng.integers(1, 5)):
        _framed_box(image, rng, low=0, high=skirting)
    for _ in range(rng.integers(0, 4)):
        _framed_box(image, rng, low=int(skirting * 0.7), high=height)
    if rng.random() < 0.4:
        _grid_lines(image[skirting:], rng)
    return image


def _outdoor(size: tuple[int, int], rng: np.random.Generator) -> Image:
    width, height = size
    horizon = int(height * rng.uniform(0.35, 0.7))
    sky, grass = (0.9, 0.75, 0.6), ((0.25, 0.5, 0.35) if rng.random() < 0.5 else (0.45, 0.55, 0.6))
    image = _gradient(size, _near(sky, rng), _near((0.95, 0.92, 0.9), rng))
    ground = _gradient((width, height - horizon), _near(grass, rng), _near(grass, rng))
    image[horizon:] = ground * (1 + 0.25 * _clouds((width, height - horizon), rng, cells=30)[..., None])
    for _ in range(rng.integers(0, 5)):
        x, w, h = (
            int(v) for v in rng.uniform((0, width * 0.05, height * 0.1), (width, width * 0.25, horizon))
        )
        if rng.random() < 0.5:
            cv2.rectangle(image, (x, horizon - h), (x + w, horizon), _muted(rng), -1)
        else:
            cv2.line(image, (x, horizon), (x, horizon - h // 2), (0.15, 0.25, 0.35), max(2, w // 6))
            cv2.ellipse(
                image, (x, horizon - h // 2), (w, h // 2), 0, 0, 360, _near((0.15, 0.4, 0.2), rng), -1
            )
    return image


def _clutter(size: tuple[int, int], rng: np.random.Generator) -> Image:
    """Shapes of all sizes, some as long and thin as an arm."""
    width, height = size
    image = _gradient(size, _any_colour(rng), _any_colour(rng))
    for _ in range(rng.integers(6, 22)):
        x, y, x2, y2 = (int(v) for v in rng.uniform(0, (width, height, width, height)))
        shape = rng.integers(3)
        if shape == 0:
            cv2.rectangle(image, (x, y), (x + x2 // 4, y + y2 // 4), _any_colour(rng), -1)
        elif shape == 1:
            cv2.ellipse(image, (x, y), (x2 // 8 + 2, y2 // 8 + 2), 0, 0, 360, _any_colour(rng), -1)
        else:
            cv2.line(image, (x, y), (x2, y2), _any_colour(rng), int(rng.integers(2, 14)))
    return image


BACKDROPS: Mapping[str, Callable[[tuple[int, int], np.random.Generator], Image]] = {
    "indoor": _indoor,
    "outdoor": _outdoor,
    "clutter": _clutter,
}


def _gradient(size: tuple[int, int], top: tuple[float, ...], bottom: tuple[float, ...]) -> Image:
    width, height = size
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    column = np.float32(top) * (1 - share) + np.float32(bottom) * share
    return np.repeat(column[:, None], width, axis=1)


def _clouds(size: tuple[int, int], rng: np.random.Generator, cells: int) -> Float[np.ndarray, "H W"]:
    """Smooth noise with about `cells` bumps across."""
    width, height = size
    coarse = rng.standard_normal((max(2, cells * height // width), cells)).astype(np.float32)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


def _framed_box(image: Image, rng: np.random.Generator, low: int, high: int) -> None:
    width = image.shape[1]
    x, y = int(rng.uniform(-0.1, 0.9) * width), int(rng.uniform(low, high))
    w, h = int(rng.uniform(0.08, 0.35) * width), int(rng.uniform(0.2, 0.8) * (high - low))
    cv2.rectangle(image, (x, y), (x + w, min(y + h, high)), _muted(rng), -1)
    cv2.rectangle(image, (x, y), (x + w, min(y + h, high)), _muted(rng), int(rng.integers(1, 4)))


def _grid_lines(image: Image, rng: np.random.Generator) -> None:
    step, colour = int(rng.integers(12, 30)), _muted(rng)
    for x in range(0, image.shape[1], step):
        image[:, x] = colour
    for y in range(0, image.shape[0], step):
        image[y] = colour


def _muted(rng: np.random.Generator) -> tuple[float, ...]:
    return tuple((rng.uniform(0.2, 0.85) + rng.normal(0, 0.08, 3)).tolist())


def _near(colour: tuple[float, ...], rng: np.random.Generator) -> tuple[float, ...]:
    return tuple((np.array(colour) * rng.uniform(0.8, 1.1) + rng.normal(0, 0.05, 3)).tolist())


def _any_colour(rng: np.random.Generator) -> tuple[float, ...]:
    return tuple(rng.uniform(0.05, 0.95, 3).tolist())
