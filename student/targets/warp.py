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
    cell_B2N = teacher_from_student_B23 @ homogeneous_cells(size_hw, map_BKHW)
    known_BHW = within(cell_B2N, (map_BKHW.shape[-1], map_BKHW.shape[-2])).unflatten(-1, size_hw)
    return sample(map_BKHW, cell_B2N, size_hw) * known_BHW[:, None], known_BHW


def within(cell_B2N: Float[Tensor, "b 2 n"], size: tuple[int, int]) -> Bool[Tensor, "b n"]:
    """Which points (x, y in cells) lie on a map of `size` (width, height), its border cells whole."""
    extent_2 = cell_B2N.new_tensor(size)[:, None]
    return ((cell_B2N >= -0.5) & (cell_B2N <= extent_2 - 0.5)).all(1)


def sample(
    map_BKHW: Float[Tensor, "b k h w"], cell_B2N: Float[Tensor, "b 2 n"], size_hw: tuple[int, int]
) -> Float[Tensor, "b k H W"]:
    """Maps read at points (x, y in cells), bilinear; beyond a map, its border."""
    extent_2 = map_BKHW.new_tensor([map_BKHW.shape[-1], map_BKHW.shape[-2]])[:, None]
    # grid_sample's own coordinates without align_corners: -1 and 1 are the outer edges of the border cells.
    grid_BHW2 = ((2 * cell_B2N + 1) / extent_2 - 1).mT.unflatten(1, size_hw)
    return F.grid_sample(map_BKHW, grid_BHW2, mode="bilinear", padding_mode="border", align_corners=False)


def homogeneous_cells(size_hw: tuple[int, int], like: Float[Tensor, "..."]) -> Float[Tensor, "3 n"]:
    """Every cell of a map as a column (x, y, 1), row by row."""
    rows, columns = (torch.arange(side, device=like.device, dtype=like.dtype) for side in size_hw)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x.flatten(), y.flatten(), torch.ones_like(x).flatten()])


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
