import numpy as np

from demo.rendering.fabric import Fabric

BLACK, WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def _painted(fabric: Fabric, along: list[float], around: list[float]) -> list[float]:
    colour = fabric.paint(np.float32([along]), np.float32([around]))
    return colour[0, :, 0].tolist()


def test_rings_alternate_along_the_part_every_half_period():
    rings = Fabric(BLACK, WHITE, "rings", period=0.1)
    assert _painted(rings, [0.02, 0.07, 0.12, 0.17], [0.0] * 4) == [1, 0, 1, 0]


def test_stripes_alternate_around_it():
    stripes = Fabric(BLACK, WHITE, "stripes", period=0.1)
    assert _painted(stripes, [0.0] * 4, [0.02, 0.07, 0.12, 0.17]) == [1, 0, 1, 0]


def test_checks_alternate_both_ways():
    checks = Fabric(BLACK, WHITE, "checks", period=0.1)
    assert _painted(checks, [0.02, 0.02, 0.07, 0.07], [0.02, 0.07, 0.02, 0.07]) == [0, 1, 1, 0]


def test_a_seam_runs_down_the_front_alone():
    jacket = Fabric(BLACK, WHITE, seam=True)
    assert _painted(jacket, [0.0, 0.3, 0.3], [0.0, 0.01, 0.3]) == [1, 1, 0]
