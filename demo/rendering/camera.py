"""How a body space is seen in an image."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from demo.rendering.body import rotation


@dataclass(frozen=True)
class Camera:
    """Turns a body and projects it in perspective.

    Camera space is metres: x right, y up, z towards the viewer, its origin at the body's pelvis. Angles are
    degrees: `pitch` looks down from above, `yaw` is the body's turn to its left. `scale` is pixels per metre
    at the pelvis, `centre` the pelvis in image pixels, `distance` metres from the viewer to the pelvis.
    `depth`, the pelvis' place in the scene in metres towards the viewer, decides who hides whom.
    """

    yaw: float
    pitch: float
    roll: float
    scale: float
    centre: tuple[float, float]
    distance: float
    depth: float

    def turn(self) -> Float[np.ndarray, "3 3"]:
        """Body space to camera space, without the shift."""
        return rotation("z", self.roll) @ rotation("x", self.pitch) @ rotation("y", self.yaw)

    def scale_at(self, z: Float[np.ndarray, "N"]) -> Float[np.ndarray, "N"]:
        """Pixels per metre at camera-space depth z."""
        return self.scale / np.maximum(1.0 - z / self.distance, 0.3)

    def project(self, points: Float[np.ndarray, "N 3"]) -> Float[np.ndarray, "N 2"]:
        """Camera-space points in image pixels."""
        scale = self.scale_at(points[:, 2])[:, None]
        return np.array(self.centre) + points[:, :2] * np.array([1.0, -1.0]) * scale
