"""Joint angles of a body, their anatomical limits, and families of poses to draw them from.

Angles are degrees. Flexion moves a limb forward, abduction away from the body's midline; names of one side's
angles start with `left_` or `right_`.
"""

from collections.abc import Callable, Mapping

import numpy as np

Pose = Mapping[str, float]
SIDES = ("left", "right")

_CENTRAL_LIMITS = {
    "pelvis_pitch": (-60.0, 60.0),
    "pelvis_roll": (-50.0, 50.0),
    "spine_bend": (-25.0, 75.0),
    "spine_side": (-30.0, 30.0),
    "spine_twist": (-35.0, 35.0),
    "head_nod": (-35.0, 40.0),
    "head_turn": (-65.0, 65.0),
    "head_tilt": (-25.0, 25.0),
}
_SIDE_LIMITS = {
    "shoulder_flexion": (-50.0, 175.0),
    "shoulder_abduction": (-15.0, 160.0),
    "shoulder_rotation": (-70.0, 70.0),
    "elbow_flexion": (0.0, 145.0),
    "hip_flexion": (-30.0, 120.0),
    "hip_abduction": (-12.0, 60.0),
    "hip_rotation": (-35.0, 35.0),
    "knee_flexion": (0.0, 140.0),
    "ankle_flexion": (-25.0, 35.0),
}
LIMITS: Mapping[str, tuple[float, float]] = {
    **_CENTRAL_LIMITS,
    **{f"{side}_{angle}": limits for side in SIDES for angle, limits in _SIDE_LIMITS.items()},
}


def sample_pose(family: str, rng: np.random.Generator) -> Pose:
    """A pose of one of `POSE_FAMILIES`, within `LIMITS`."""
    wanted = dict.fromkeys(LIMITS, 0.0)
    wanted.update(_head(rng))
    wanted.update(POSE_FAMILIES[family](rng))
    return {name: float(np.clip(wanted[name], *limits)) for name, limits in LIMITS.items()}


def _head(rng: np.random.Generator) -> dict[str, float]:
    return {
        "head_nod": rng.normal(4, 10),
        "head_turn": rng.normal(0, 20),
        "head_tilt": rng.normal(0, 7),
        "spine_side": rng.normal(0, 4),
        "spine_twist": rng.normal(0, 7),
    }


def _leg(
    rng: np.random.Generator, side: str, hip: float, knee: float, abduction: float = 5.0, spread: float = 7.0
) -> dict[str, float]:
    return {
        f"{side}_hip_flexion": rng.normal(hip, spread),
        f"{side}_knee_flexion": rng.normal(knee, spread),
        f"{side}_hip_abduction": rng.normal(abduction, spread / 2),
        f"{side}_hip_rotation": rng.normal(8, 8),
        f"{side}_ankle_flexion": rng.normal(0, 8),
    }


def _arm(
    rng: np.random.Generator,
    side: str,
    flexion: float,
    abduction: float,
    elbow: float,
    rotation: float = 0.0,
    spread: float = 12.0,
) -> dict[str, float]:
    return {
        f"{side}_shoulder_flexion": rng.normal(flexion, spread),
        f"{side}_shoulder_abduction": rng.normal(abduction, spread),
        f"{side}_shoulder_rotation": rng.normal(rotation, 15),
        f"{side}_elbow_flexion": abs(rng.normal(elbow, spread)),
    }


def _resting_arm(rng: np.random.Generator, side: str) -> dict[str, float]:
    """Hanging, on the hip, before the belly, phoning, or waving."""
    gestures = (
        (0.0, 12.0, 15.0, 0.0),
        (-10.0, 45.0, 100.0, 40.0),
        (30.0, 8.0, 95.0, -30.0),
        (45.0, 30.0, 135.0, 10.0),
        (60.0, 95.0, 95.0, 0.0),
    )
    gesture = gestures[rng.choice(len(gestures), p=(0.48, 0.14, 0.16, 0.12, 0.10))]
    return _arm(rng, side, *gesture)


def _standing(rng: np.random.Generator) -> dict[str, float]:
    angles: dict[str, float] = {"spine_bend": rng.normal(2, 5)}
    for side in SIDES:
        angles |= _leg(rng, side, hip=4.0, knee=6.0) | _resting_arm(rng, side)
    return angles


def _arms_raised(rng: np.random.Generator) -> dict[str, float]:
    angles: dict[str, float] = {"spine_bend": rng.normal(-2, 6)}
    for side in SIDES:
        angles |= _leg(rng, side, hip=5.0, knee=8.0, abduction=9.0)
        if rng.random() < 0.8:
            angles |= _arm(
                rng, side, rng.uniform(20, 90), rng.uniform(70, 150), rng.uniform(0, 80), spread=15.0
            )
        else:
            angles |= _resting_arm(rng, side)
    return angles


def _gait(
    rng: np.random.Generator, stride: float, knee: float, elbow: float, lean: float
) -> dict[str, float]:
    """Legs in opposite phase, arms in phase with the other side's leg."""
    phase = rng.uniform(0, 2 * np.pi)
    angles: dict[str, float] = {"spine_bend": rng.normal(lean, 4), "pelvis_pitch": rng.normal(lean / 2, 3)}
    for side, offset in zip(SIDES, (0.0, np.pi), strict=True):
        swing = np.sin(phase + offset)
        lift = max(0.0, np.cos(phase + offset))
        angles |= _leg(rng, side, hip=5.0 + stride * swing, knee=8.0 + knee * lift, spread=5.0)
        angles |= _arm(rng, side, flexion=-0.9 * stride * swing, abduction=10.0, elbow=elbow, spread=9.0)
    return angles


def _walking(rng: np.random.Generator) -> dict[str, float]:
    return _gait(rng, stride=25.0, knee=45.0, elbow=22.0, lean=3.0)


def _running(rng: np.random.Generator) -> dict[str, float]:
    return _gait(rng, stride=45.0, knee=90.0, elbow=85.0, lean=14.0)


def _sitting(rng: np.random.Generator) -> dict[str, float]:
    angles: dict[str, float] = {"spine_bend": rng.normal(6, 10)}
    for side in SIDES:
        angles |= _leg(rng, side, hip=88.0, knee=86.0, abduction=11.0, spread=9.0)
        angles |= _arm(rng, side, rng.uniform(15.0, 60.0), 10.0, rng.uniform(20.0, 100.0), rotation=-15.0)
    return angles


def _squatting(rng: np.random.Generator) -> dict[str, float]:
    depth = rng.uniform(50, 115)
    angles: dict[str, float] = {"spine_bend": rng.normal(10, 8), "pelvis_pitch": rng.normal(25, 8)}
    for side in SIDES:
        angles |= _leg(rng, side, hip=depth, knee=depth + 8.0, abduction=18.0)
        angles |= _arm(rng, side, rng.uniform(20.0, 90.0), 15.0, rng.uniform(5.0, 70.0))
    return angles


def _bending(rng: np.random.Generator) -> dict[str, float]:
    angles: dict[str, float] = {"spine_bend": rng.uniform(30, 70), "pelvis_pitch": rng.uniform(5, 35)}
    for side in SIDES:
        angles |= _leg(rng, side, hip=15.0, knee=18.0, abduction=8.0)
        angles |= _arm(rng, side, rng.uniform(20.0, 90.0), 10.0, rng.uniform(0.0, 60.0))
    return angles


def _leaping(rng: np.random.Generator) -> dict[str, float]:
    """Athletic: anything the joints allow, but rarely at their limits."""
    angles: dict[str, float] = {"spine_bend": rng.normal(5, 16), "pelvis_roll": rng.normal(0, 16)}
    for side in SIDES:
        angles |= _leg(
            rng, side, rng.uniform(-20.0, 95.0), rng.uniform(0.0, 100.0), abduction=rng.uniform(0.0, 40.0)
        )
        angles |= _arm(rng, side, rng.uniform(-30.0, 120.0), rng.uniform(5.0, 130.0), rng.uniform(0.0, 100.0))
    return angles


POSE_FAMILIES: Mapping[str, Callable[[np.random.Generator], dict[str, float]]] = {
    "standing": _standing,
    "walking": _walking,
    "running": _running,
    "sitting": _sitting,
    "squatting": _squatting,
    "bending": _bending,
    "arms_raised": _arms_raised,
    "leaping": _leaping,
}
