"""One synthetic picture: people and things before a backdrop, as a camera records them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float, Float64, UInt8

from demo.datasets.domain import Domain, Optics
from demo.datasets.labels import CONVENTIONS, UNION, Labels, label
from demo.rendering.backdrop import paint_backdrop
from demo.rendering.body import posed_body, sample_shape
from demo.rendering.camera import Camera
from demo.rendering.canvas import Canvas
from demo.rendering.fabric import Fabric
from demo.rendering.figure import solids_of
from demo.rendering.outfit import sample_outfit
from demo.rendering.pose import sample_pose
from demo.rendering.thing import paint_ball, paint_box

STANDING_HEIGHT = 1.72
"""Metres from sole to crown of the average body."""


@dataclass(frozen=True)
class Person:
    """What is known of one person in the picture."""

    labels: Mapping[str, Labels]
    """By convention."""
    box: Float64[np.ndarray, "4"]
    """x, y, width, height of the whole figure inside the image, hidden parts included; image pixels."""
    visible_area: int
    """Pixels in which the person is seen."""


@dataclass(frozen=True)
class Scene:
    image_HW3: UInt8[np.ndarray, "H W 3"]
    people: Sequence[Person]


@dataclass(frozen=True)
class _Actor:
    camera: Camera
    points: Mapping[str, Float[np.ndarray, "3"]]
    box: Float64[np.ndarray, "4"]


def render_scene(domain: Domain, size: tuple[int, int], rng: np.random.Generator) -> Scene:
    """A picture of `size` (width, height) and everyone in it, determined by the generator's state alone."""
    canvas = Canvas(paint_backdrop(_pick(domain.backdrops, rng), size, rng))
    light = _sample_light(rng)
    pitch, roll = rng.uniform(*domain.optics.pitch), rng.uniform(*domain.optics.roll)
    count = 1 + int(rng.choice(len(domain.people), p=domain.people))
    actors = []
    for number in range(count):
        column = (number + rng.uniform(0.2, 0.8)) / count
        actors.append(_stage_actor(domain, canvas, (pitch, roll), column, number, light, rng))
    for _ in range(rng.poisson(domain.things)):
        _hide_part_of(actors[rng.integers(count)], canvas, rng)
    people = [_recorded(actor, number, canvas) for number, actor in enumerate(actors)]
    return Scene(_develop(canvas.colour_HW3, domain.optics, rng), people)


def encode_jpeg(scene: Scene, domain: Domain, rng: np.random.Generator) -> bytes:
    quality = int(rng.integers(*domain.optics.jpeg_quality))
    return cv2.imencode(".jpg", scene.image_HW3, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _pick(shares: Mapping[str, float], rng: np.random.Generator) -> str:
    kinds = list(shares)
    weights = np.array([shares[kind] for kind in kinds])
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())]


def _sample_light(rng: np.random.Generator) -> Float[np.ndarray, "3"]:
    light = np.array([rng.uniform(-0.8, 0.8), rng.uniform(0.2, 1.0), rng.uniform(0.4, 1.0)])
    return light / np.linalg.norm(light)


def _stage_actor(
    domain: Domain,
    canvas: Canvas,
    tilt: tuple[float, float],
    column: float,
    number: int,
    light: Float[np.ndarray, "3"],
    rng: np.random.Generator,
) -> _Actor:
    family = _pick(domain.poses, rng)
    body = posed_body(sample_shape(rng), sample_pose(family, rng))
    camera = _sample_camera(domain.optics, canvas.size, tilt, column, rng)
    turn = camera.turn()
    points = {name: turn @ point for name, point in body.points.items()}
    camera = _framed(camera, np.stack(list(points.values())), canvas.size, rng)
    if family == "sitting":
        _paint_stool(canvas, camera, points, rng)
    for solid in solids_of(body, sample_outfit(domain.wardrobe, rng), turn):
        solid.paint(canvas, camera, light, number)
    return _Actor(camera, points, _figure_box(camera, np.stack(list(points.values())), canvas.size))


def _sample_camera(
    optics: Optics, size: tuple[int, int], tilt: tuple[float, float], column: float, rng: np.random.Generator
) -> Camera:
    yaw = rng.normal(0, optics.yaw_spread) if rng.random() < 0.75 else rng.uniform(-180, 180)
    scale = rng.uniform(*optics.body_share) * size[1] / STANDING_HEIGHT
    # The larger someone looks, the nearer; people farther apart than a body is thick never interpenetrate.
    depth = 12.0 * np.log(scale / size[1])
    return Camera(yaw, *tilt, scale, (column * size[0], size[1] / 2), rng.uniform(*optics.distance), depth)


def _framed(
    camera: Camera, points: Float[np.ndarray, "P 3"], size: tuple[int, int], rng: np.random.Generator
) -> Camera:
    """The camera with the body moved inside the picture, or, now and then, half out of it."""
    projected = camera.project(points)
    low, high = projected.min(0), projected.max(0)
    margin = 0.08 * camera.scale
    room = np.array(size) - 2 * margin - (high - low)
    cut = rng.uniform(-0.3, 0.3, 2) * (high - low) if rng.random() < 0.15 else np.zeros(2)
    across = np.clip(low[0], margin, margin + max(room[0], 0))
    down = margin + max(room[1], 0) * rng.uniform(0, 1)
    shift = np.array([across, down]) - low + cut
    centre = np.array(camera.centre) + shift
    return Camera(**{**vars(camera), "centre": (float(centre[0]), float(centre[1]))})


def _paint_stool(
    canvas: Canvas, camera: Camera, points: Mapping[str, Float[np.ndarray, "3"]], rng: np.random.Generator
) -> None:
    seat = camera.project(points["pelvis"][None])[0]
    floor = max(camera.project(points[f"{side}_ankle"][None])[0, 1] for side in ("left", "right"))
    top = float(seat[1] + 0.09 * camera.scale)
    half = (float(rng.uniform(0.18, 0.3) * camera.scale), max(2.0, float(floor - top) / 2))
    behind = float(points["pelvis"][2]) + camera.depth - 0.35
    paint_box(canvas, (float(seat[0]), top + half[1]), half, 0.0, behind, _thing_fabric(rng))


def _hide_part_of(actor: _Actor, canvas: Canvas, rng: np.random.Generator) -> None:
    x, y, w, h = actor.box
    centre = (float(x + w * rng.uniform(0, 1)), float(y + h * rng.uniform(0.35, 1.1)))
    half = (float(rng.uniform(0.04, 0.22) * h), float(rng.uniform(0.05, 0.25) * h))
    depth = actor.camera.depth + 1.2
    if rng.random() < 0.7:
        paint_box(canvas, centre, half, float(rng.uniform(-20, 20)), depth, _thing_fabric(rng))
    else:
        paint_ball(canvas, centre, half, depth, _thing_fabric(rng))


def _thing_fabric(rng: np.random.Generator) -> Fabric:
    first, second = (tuple(rng.uniform(0.1, 0.9, 3).tolist()) for _ in range(2))
    pattern = ("plain", "rings", "stripes", "checks", "speckle")[rng.integers(5)]
    return Fabric(first, second, pattern, period=float(rng.uniform(0.05, 0.3)))


def _figure_box(
    camera: Camera, points: Float[np.ndarray, "P 3"], size: tuple[int, int]
) -> Float64[np.ndarray, "4"]:
    """Around every named point and the flesh about it."""
    flesh = 0.055 * camera.scale
    projected = camera.project(points)
    limit = np.array(size) - 1
    low = np.clip(projected.min(0) - flesh, 0, limit)
    high = np.clip(projected.max(0) + flesh, 0, limit)
    return np.round(np.concatenate([low, high - low]), 2)


def _recorded(actor: _Actor, number: int, canvas: Canvas) -> Person:
    labels = {name: label(name, actor.points, actor.camera, canvas) for name in (*CONVENTIONS, UNION)}
    return Person(labels, actor.box, int((canvas.owner == number).sum()))


def _develop(
    colour_HW3: Float[np.ndarray, "H W 3"], optics: Optics, rng: np.random.Generator
) -> UInt8[np.ndarray, "H W 3"]:
    """Exposure, saturation, blur and sensor noise."""
    gain, saturation = np.float32(rng.uniform(*optics.gain)), np.float32(rng.uniform(*optics.saturation))
    grey = cv2.cvtColor(colour_HW3, cv2.COLOR_BGR2GRAY)[..., None]
    image = (gain * saturation) * colour_HW3
    image += (gain * (1 - saturation)) * grey
    sigma = rng.uniform(*optics.blur)
    if sigma > 0.2:
        image = cv2.GaussianBlur(image, (0, 0), sigma)
    noise = rng.standard_normal(grey.shape, dtype=np.float32)
    image += np.float32(rng.uniform(*optics.noise)) * noise
    return cv2.convertScaleAbs(np.maximum(image, 0), alpha=255)
