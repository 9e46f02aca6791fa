"""How an epoch's draws are shared out between datasets.

Legend: D datasets.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64


def draw_shares(
    sizes: Sequence[int], draws: int, exponent: float, caps: Sequence[int | None]
) -> Float64[np.ndarray, " d"]:
    """Draws per dataset, in proportion to size ** exponent; their sum is `draws`, which the caps allow.

    An exponent of 1 is proportional, 0 balanced, 1 / T the sampling of multilingual models at temperature T
    (Arivazhagan et al. 2019, section 4.1). What a cap takes from a dataset the others share in proportion.
    """
    weight_D = np.asarray(sizes, dtype=np.float64) ** exponent
    cap_D = np.array([np.inf if cap is None else cap for cap in caps], dtype=np.float64)
    capped_D = np.zeros(len(sizes), dtype=bool)
    while True:
        free = max(draws - cap_D[capped_D].sum(), 0.0)
        share_D = np.where(capped_D, cap_D, 0.0)
        share_D[~capped_D] = free * weight_D[~capped_D] / max(weight_D[~capped_D].sum(), 1e-300)
        over_D = ~capped_D & (share_D > cap_D)
        if not over_D.any():
            return share_D
        capped_D |= over_D
