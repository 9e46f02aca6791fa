"""When a predicted joint counts as right. Needs no PyTorch: saved predictions are scored without it.

Legend: N crops, J joints.
"""

import numpy as np
from jaxtyping import Bool, Float

RIGHT_WITHIN = 0.05
"""Of the diagonal of the person's box: for a whole person about a fifth of the torso, as PCK@0.2 has it."""


def is_right(
    answer_NJ2: Float[np.ndarray, "n j 2"],
    label_NJ2: Float[np.ndarray, "n j 2"],
    box_N4: Float[np.ndarray, "n 4"],
) -> Bool[np.ndarray, "n j"]:
    """Which answers lie within `RIGHT_WITHIN` of their labels, False where there is none (NaN); boxes are x,
    y, width, height."""
    distance_NJ = np.linalg.norm(answer_NJ2 - label_NJ2, axis=-1)
    with np.errstate(invalid="ignore"):
        return distance_NJ < RIGHT_WITHIN * np.hypot(box_N4[:, 2], box_N4[:, 3])[:, None]
