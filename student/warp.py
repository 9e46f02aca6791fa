"""Teacher maps as they look in the student's crop.

Legend: B crops, K joints, H and W rows and columns of a map, P bins.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def reproject(
    map_BKHW: Float[Tensor, "b k h w"],
    teacher_from_student_B23: Float[Tensor, "b 2 3"],
    size_hw: tuple[int, int],
) -> tuple[Float[Tensor, "b k H W"], Bool[Tensor, "b H W"]]:
    """Teacher maps sampled at the student's cells, and where the teacher saw anything.

    Bilinear, pixel centres at integers: student cell (column, row) reads the teacher's map at the point to
    which the affine takes it. Outside the teacher's cells (half a cell beyond its outermost centres) the
    second result is False and the first is 0: unknown, not zero.
    """
    cell_B2N = teacher_from_student_B23 @ _homogeneous_cells(size_hw, map_BKHW)
    extent_2 = map_BKHW.new_tensor([map_BKHW.shape[-1], map_BKHW.shape[-2]])[:, None]
    # grid_sample's own coordinates without align_corners: -1 and 1 are the outer edges of the border cells.
    edge_B2N = (2 * cell_B2N + 1) / extent_2 - 1
    grid_BHW2 = edge_B2N.mT.unflatten(1, size_hw)
    known_BHW = (grid_BHW2.abs() <= 1).all(-1)
    sampled_BKHW = F.grid_sample(
        map_BKHW, grid_BHW2, mode="bilinear", padding_mode="border", align_corners=False
    )
    return sampled_BKHW * known_BHW[:, None], known_BHW


def _homogeneous_cells(size_hw: tuple[int, int], like: Float[Tensor, "..."]) -> Float[Tensor, "3 n"]:
    """Every cell of a map as a column (x, y, 1), row by row."""
    rows, columns = (torch.arange(side, device=like.device, dtype=like.dtype) for side in size_hw)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])


def seen_fraction(
    map_BKHW: Float[Tensor, "b k h w"],
    warped_BKHW: Float[Tensor, "b k H W"],
    teacher_from_student_B23: Float[Tensor, "b 2 3"],
) -> Float[Tensor, "b k"]:
    """Share of each teacher map's mass that lies in the student's crop; 0 for an empty map.

    A student cell covers |det| teacher cells, so that many times its sample is the mass it took over.
    """
    area_B = torch.linalg.det(teacher_from_student_B23[:, :, :2]).abs()
    mass_BK = map_BKHW.sum((-2, -1))
    taken_BK = warped_BKHW.sum((-2, -1)) * area_B[:, None]
    return torch.where(mass_BK > 0, taken_BK / mass_BK.clamp_min(1e-12), 0.0)


def coarsening_matrix(fine: int, coarse: int, like: Float[Tensor, "..."]) -> Float[Tensor, "fine coarse"]:
    """Splits the mass of each of `fine` cells between the two nearest of `coarse` cells over the same extent.

    `density @ matrix` keeps mass and mean position. (Summing blocks would move a narrow peak to its block's
    centre, and sampling a fine map on a coarse grid could miss it altogether.)
    """
    factor = fine / coarse
    return interpolation_matrix(coarse, fine, 1 / factor, (1 - factor) / (2 * factor), like).T


def coarsened_affine(
    fine_from_any_B23: Float[Tensor, "b 2 3"], fine: tuple[int, int], coarse: tuple[int, int]
) -> Float[Tensor, "b 2 3"]:
    """The affine into cells of a map, made one into cells of the coarser map; sizes are (width, height)."""
    factor_2 = fine_from_any_B23.new_tensor(fine) / fine_from_any_B23.new_tensor(coarse)
    moved_B23 = fine_from_any_B23.clone()
    moved_B23[..., 2] -= (factor_2 - 1) / 2
    return moved_B23 / factor_2[:, None]


def interpolation_matrix(
    source_size: int, target_size: int, scale: float, offset: float, like: Float[Tensor, "..."]
) -> Float[Tensor, "source target"]:
    """Linear interpolation as a matrix: `vector @ matrix` reads a vector at scale * i + offset for target i.

    Positions beyond the vector's ends read its end.
    """
    position_T = torch.arange(target_size, device=like.device, dtype=like.dtype) * scale + offset
    position_T = position_T.clamp(0, source_size - 1)
    source_S = torch.arange(source_size, device=like.device, dtype=like.dtype)
    return (1 - (position_T[None] - source_S[:, None]).abs()).clamp_min(0)
