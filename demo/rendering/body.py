"""A person's shape, and where a pose puts it: forward kinematics.

Body space is metres: x to the person's left, y up, z to the person's front; the pelvis is the origin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from demo.rendering.pose import SIDES, Pose

Point = Float[np.ndarray, "3"]
Frame = Float[np.ndarray, "3 3"]
"""Columns: a segment's own x (left), y (up) and z (front)."""


@dataclass(frozen=True)
class BodyShape:
    """Lengths in metres."""

    thigh: float = 0.42
    shank: float = 0.41
    foot: float = 0.17
    torso: float = 0.49
    neck: float = 0.10
    head: float = 0.25
    upper_arm: float = 0.29
    forearm: float = 0.25
    hand: float = 0.09
    shoulder_half_width: float = 0.175
    hip_half_width: float = 0.095
    girth: float = 1.0
    """Thickness of every segment, relative to the average."""


def sample_shape(rng: np.random.Generator) -> BodyShape:
    """Lengths vary by a few percent each, girth by about a tenth."""
    mean = BodyShape()
    lengths = {name: value * rng.normal(1.0, 0.05) for name, value in vars(mean).items() if name != "girth"}
    return BodyShape(**lengths, girth=float(np.clip(rng.normal(1.0, 0.1), 0.8, 1.3)))


@dataclass(frozen=True)
class PosedBody:
    """A shape in a pose: named points and segment frames in body space."""

    shape: BodyShape
    points: Mapping[str, Point]
    frames: Mapping[str, Frame]


def rotation(axis: str, degrees: float) -> Frame:
    """Right-handed rotation about x, y or z."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rows = {
        "x": ((1.0, 0.0, 0.0), (0.0, c, -s), (0.0, s, c)),
        "y": ((c, 0.0, s), (0.0, 1.0, 0.0), (-s, 0.0, c)),
        "z": ((c, -s, 0.0), (s, c, 0.0), (0.0, 0.0, 1.0)),
    }
    return np.array(rows[axis])


def posed_body(shape: BodyShape, pose: Pose) -> PosedBody:
    points: dict[str, Point] = {"pelvis": np.zeros(3)}
    frames = _trunk_frames(pose)
    _place_trunk(points, frames, shape)
    _place_head(points, frames, shape)
    for side, sign in zip(SIDES, (1.0, -1.0), strict=True):
        _place_arm(points, frames, shape, pose, side, sign)
        _place_leg(points, frames, shape, pose, side, sign)
    return PosedBody(shape, points, frames)


def _trunk_frames(pose: Pose) -> dict[str, Frame]:
    pelvis = rotation("z", pose["pelvis_roll"]) @ rotation("x", pose["pelvis_pitch"])
    spine = rotation("x", pose["spine_bend"]) @ rotation("z", pose["spine_side"])
    torso = pelvis @ spine @ rotation("y", pose["spine_twist"])
    nod = (
        rotation("y", pose["head_turn"]) @ rotation("x", pose["head_nod"]) @ rotation("z", pose["head_tilt"])
    )
    # People keep looking ahead: the neck takes back half of what the spine bends.
    level = rotation("x", -0.5 * (pose["spine_bend"] + pose["pelvis_pitch"]))
    return {"pelvis": pelvis, "torso": torso, "head": torso @ level @ nod}


def _place_trunk(points: dict[str, Point], frames: dict[str, Frame], shape: BodyShape) -> None:
    torso = frames["torso"]
    points["thorax"] = torso @ (0.0, shape.torso, 0.0)
    points["upper_neck"] = points["thorax"] + torso @ (0.0, shape.neck, 0.015)
    points["neck"] = 0.6 * points["thorax"] + 0.4 * points["upper_neck"]


def _place_head(points: dict[str, Point], frames: dict[str, Frame], shape: BodyShape) -> None:
    """The head is an ellipsoid about `head_centre`; the face lies on its surface."""
    base, head, size = points["upper_neck"], frames["head"], shape.head
    on_head = {
        "head_centre": (0.0, 0.48, 0.06),
        "head_top": (0.0, 0.98, 0.03),
        "nose": (0.0, 0.38, 0.50),
        "left_eye": (0.145, 0.53, 0.405),
        "right_eye": (-0.145, 0.53, 0.405),
        "left_ear": (0.335, 0.45, 0.0),
        "right_ear": (-0.335, 0.45, 0.0),
    }
    for name, fraction in on_head.items():
        points[name] = base + head @ (np.array(fraction) * size)


def _place_arm(
    points: dict[str, Point], frames: dict[str, Frame], shape: BodyShape, pose: Pose, side: str, sign: float
) -> None:
    torso = frames["torso"]
    lift = 0.04 * max(0.0, pose[f"{side}_shoulder_abduction"] - 60) / 90
    shoulder = points["thorax"] + torso @ (sign * shape.shoulder_half_width, lift - 0.035, 0.0)
    upper = (
        torso
        @ rotation("z", sign * pose[f"{side}_shoulder_abduction"])
        @ rotation("x", -pose[f"{side}_shoulder_flexion"])
        @ rotation("y", sign * pose[f"{side}_shoulder_rotation"])
    )
    lower = upper @ rotation("x", -pose[f"{side}_elbow_flexion"])
    elbow = shoulder - upper[:, 1] * shape.upper_arm
    wrist = elbow - lower[:, 1] * shape.forearm
    points[f"{side}_shoulder"], points[f"{side}_elbow"], points[f"{side}_wrist"] = shoulder, elbow, wrist
    points[f"{side}_hand"] = wrist - lower[:, 1] * shape.hand
    frames[f"{side}_upper_arm"], frames[f"{side}_forearm"] = upper, lower


def _place_leg(
    points: dict[str, Point], frames: dict[str, Frame], shape: BodyShape, pose: Pose, side: str, sign: float
) -> None:
    pelvis = frames["pelvis"]
    hip = points["pelvis"] + pelvis @ (sign * shape.hip_half_width, -0.02, 0.0)
    thigh = (
        pelvis
        @ rotation("z", sign * pose[f"{side}_hip_abduction"])
        @ rotation("x", -pose[f"{side}_hip_flexion"])
        @ rotation("y", sign * pose[f"{side}_hip_rotation"])
    )
    shank = thigh @ rotation("x", pose[f"{side}_knee_flexion"])
    foot = shank @ rotation("x", pose[f"{side}_ankle_flexion"])
    knee = hip - thigh[:, 1] * shape.thigh
    ankle = knee - shank[:, 1] * shape.shank
    points[f"{side}_hip"], points[f"{side}_knee"], points[f"{side}_ankle"] = hip, knee, ankle
    points[f"{side}_toe"] = ankle + foot @ (0.0, -0.055, shape.foot)
    points[f"{side}_heel"] = ankle + foot @ (0.0, -0.045, -0.02)
    # COCO's annotators click the hip's outside, MPII's the joint: the two conventions' hips differ.
    points[f"{side}_hip_outside"] = hip + pelvis @ (sign * 0.03, 0.03, 0.0)
    frames[f"{side}_thigh"], frames[f"{side}_shank"], frames[f"{side}_foot"] = thigh, shank, foot
