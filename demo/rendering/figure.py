"""The solids that make up one dressed person."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from demo.rendering.body import PosedBody
from demo.rendering.fabric import Fabric
from demo.rendering.outfit import Outfit
from demo.rendering.pose import SIDES
from demo.rendering.segments import Ellipsoid, Limb

Turn = Float[np.ndarray, "3 3"]
_HEAD_RADII = (0.34, 0.5, 0.42)
"""Of the head's height."""
_EYES = ((0.426, 0.10), (-0.426, 0.10))
"""On the head's unit sphere: left and up."""


def solids_of(body: PosedBody, outfit: Outfit, turn: Turn) -> Sequence[Limb | Ellipsoid]:
    """The person in camera space, farthest solid first."""
    solids: list[Limb | Ellipsoid] = [*_trunk(body, outfit, turn), *_head(body, outfit, turn)]
    for side in SIDES:
        solids += _arm(body, outfit, turn, side) + _leg(body, outfit, turn, side)
    return sorted(solids, key=lambda solid: solid.depth)


def _rod(
    body: PosedBody, turn: Turn, ends: tuple[str, str], frame: str, radii: tuple[float, float], fabric: Fabric
) -> Limb:
    """A round rod between two named points."""
    start, end = (turn @ body.points[name] for name in ends)
    return Limb(start, end, (radii[0],) * 2, (radii[1],) * 2, turn @ body.frames[frame], fabric)


def _arm(body: PosedBody, outfit: Outfit, turn: Turn, side: str) -> list[Limb | Ellipsoid]:
    girth = body.shape.girth
    sleeve = girth * outfit.bulk
    cuff = sleeve if outfit.long_sleeves else girth
    upper, lower = f"{side}_upper_arm", f"{side}_forearm"
    shoulder, elbow, wrist, hand = (f"{side}_{name}" for name in ("shoulder", "elbow", "wrist", "hand"))
    return [
        _rod(body, turn, (shoulder, elbow), upper, (0.056 * sleeve, 0.044 * sleeve), outfit.upper_arm()),
        _rod(body, turn, (elbow, wrist), lower, (0.041 * cuff, 0.031 * cuff), outfit.forearm()),
        _rod(body, turn, (wrist, hand), lower, (0.033 * girth, 0.036 * girth), outfit.skin),
    ]


def _leg(body: PosedBody, outfit: Outfit, turn: Turn, side: str) -> list[Limb | Ellipsoid]:
    girth = body.shape.girth
    cloth = girth * outfit.bulk
    shank = girth if outfit.shorts else cloth
    hip, knee, ankle, toe, heel = (f"{side}_{name}" for name in ("hip", "knee", "ankle", "toe", "heel"))
    return [
        _rod(body, turn, (hip, knee), f"{side}_thigh", (0.088 * cloth, 0.060 * cloth), outfit.trousers),
        _rod(body, turn, (knee, ankle), f"{side}_shank", (0.056 * shank, 0.040 * shank), outfit.shank()),
        _rod(body, turn, (heel, toe), f"{side}_foot", (0.046 * girth, 0.034 * girth), outfit.shoes),
    ]


def _trunk(body: PosedBody, outfit: Outfit, turn: Turn) -> list[Limb | Ellipsoid]:
    shape, points = body.shape, body.points
    cloth = shape.girth * outfit.bulk
    torso, pelvis = turn @ body.frames["torso"], turn @ body.frames["pelvis"]
    waist = turn @ (0.25 * points["thorax"] + 0.75 * points["pelvis"])
    chest = turn @ (points["thorax"] - body.frames["torso"][:, 1] * 0.09)
    hips = turn @ (points["pelvis"] - body.frames["pelvis"][:, 1] * 0.02)
    shoulder = (shape.shoulder_half_width - 0.005, 0.095 * cloth)
    loin = (shape.hip_half_width + 0.045 * cloth, 0.092 * cloth)
    belly = (0.135 * cloth, 0.095 * cloth)
    return [
        Limb(hips, waist, loin, belly, pelvis, outfit.trousers),
        Limb(waist, chest, belly, shoulder, torso, outfit.shirt),
        _rod(
            body,
            turn,
            ("thorax", "upper_neck"),
            "torso",
            (0.062 * shape.girth, 0.055 * shape.girth),
            outfit.skin,
        ),
    ]


def _head(body: PosedBody, outfit: Outfit, turn: Turn) -> list[Limb | Ellipsoid]:
    size = body.shape.head
    frame = turn @ body.frames["head"]
    skin = np.float32(outfit.skin.colour)
    solids: list[Limb | Ellipsoid] = [
        Ellipsoid(
            turn @ body.points["head_centre"],
            (_HEAD_RADII[0] * size, _HEAD_RADII[1] * size, _HEAD_RADII[2] * size),
            frame,
            _face(outfit),
        ),
        Ellipsoid(
            turn @ body.points["nose"], (0.07 * size, 0.11 * size, 0.08 * size), frame, _flat(skin * 0.82)
        ),
    ]
    for side in SIDES:
        ear = turn @ body.points[f"{side}_ear"]
        solids.append(Ellipsoid(ear, (0.05 * size, 0.13 * size, 0.10 * size), frame, _flat(skin * 0.9)))
    return solids


def _flat(
    colour: Float[np.ndarray, "3"],
) -> Callable[[Float[np.ndarray, "h w 3"]], Float[np.ndarray, "h w 3"]]:
    return lambda unit: np.broadcast_to(colour, unit.shape)


def _face(outfit: Outfit) -> Callable[[Float[np.ndarray, "h w 3"]], Float[np.ndarray, "h w 3"]]:
    """Hair over the crown and the back; eyes and a mouth in front."""

    def colour(unit: Float[np.ndarray, "h w 3"]) -> Float[np.ndarray, "h w 3"]:
        x, y, z = unit[..., 0], unit[..., 1], unit[..., 2]
        painted = np.empty_like(unit)
        painted[:] = np.float32(outfit.skin.colour)
        painted[(np.abs(x) < 0.3) & (np.abs(y + 0.52) < 0.07) & (z > 0)] = (0.25, 0.22, 0.55)
        for eye_x, eye_y in _EYES:
            away = ((x - eye_x) / 0.22) ** 2 + ((y - eye_y) / 0.15) ** 2
            painted[(away < 1) & (z > 0)] = 0.96
            painted[(away < 0.3) & (z > 0)] = 0.08
        hair_edge = outfit.hairline - 1.3 * np.clip(0.15 - z, 0, 1)
        painted[y > hair_edge] = outfit.hair
        return painted

    return colour
