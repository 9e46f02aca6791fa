"""Where a rendered person's joints are, in any of the conventions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Float32, UInt8

from demo.rendering.camera import Camera
from demo.rendering.canvas import Canvas
from demo.rendering.pose import SIDES
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton, build_union

CONVENTIONS = ("coco17", "mpii16", "aic14")
UNION = "union"
"""COCO's joints and MPII's pelvis, thorax, upper_neck and head_top; the hips as COCO labels them."""

# COCO's annotators click a hip's outside, MPII's and AIC's the joint: body.py knows both.
_COCO_HIPS = {f"{side}_hip": f"{side}_hip_outside" for side in SIDES}
_POINT_OF: Mapping[str, Mapping[str, str]] = {
    "coco17": _COCO_HIPS,
    UNION: _COCO_HIPS,
    "mpii16": {},
    "aic14": {},
}

# How deep under the surface a joint may lie and still be seen, metres.
_COVER = {
    "nose": 0.07, "eye": 0.05, "ear": 0.06, "shoulder": 0.11, "elbow": 0.08, "wrist": 0.075, "hip": 0.15,
    "knee": 0.10, "ankle": 0.09, "pelvis": 0.17, "thorax": 0.15, "upper_neck": 0.13, "neck": 0.13,
    "head_top": 0.13,
}  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """One person's joints: image pixels, and 0 outside the image / 1 hidden / 2 visible."""

    keypoints: Float32[np.ndarray, "K 2"]
    visibility: UInt8[np.ndarray, "K"]


@cache
def union_skeleton() -> UnionSkeleton:
    """Of COCO and MPII: the paper's 21 joints."""
    return build_union([load_convention("coco17"), load_convention("mpii16")])


def joints_of(convention: str) -> tuple[str, ...]:
    """Joint names of one of CONVENTIONS, or of UNION."""
    return union_skeleton().joints if convention == UNION else load_convention(convention).joints


def label(
    convention: str, points: Mapping[str, Float[np.ndarray, "3"]], camera: Camera, canvas: Canvas
) -> Labels:
    """Joints of camera-space `points` as an annotator of `convention` would put them on the canvas.

    A joint is visible where the nearest surface at its pixel is the skin or cloth right over it.
    """
    joints, renamed = joints_of(convention), _POINT_OF[convention]
    at = np.stack([points[renamed.get(joint, joint)] for joint in joints])
    keypoints = camera.project(at).astype(np.float32)
    cover = np.array([_COVER[_kind(joint)] for joint in joints])
    return Labels(keypoints, _visibility(keypoints, at[:, 2] + camera.depth + cover, canvas))


def _kind(joint: str) -> str:
    return joint.removeprefix("left_").removeprefix("right_")


def _visibility(
    keypoints: Float32[np.ndarray, "K 2"], reach: Float[np.ndarray, "K"], canvas: Canvas
) -> UInt8[np.ndarray, "K"]:
    size = np.array(canvas.size)
    pixels = np.rint(keypoints).astype(int)
    inside = ((pixels >= 0) & (pixels < size)).all(1)
    x, y = np.clip(pixels, 0, size - 1).T
    seen = canvas.depth[y, x] <= reach
    return np.where(inside, 1 + seen, 0).astype(np.uint8)
