"""Teachers that a sidecar describes, whatever runs their network.

Legend: B crops, K joints.
"""

import numpy as np
from jaxtyping import Float32

from pipeline.conventions.convention import Convention
from pipeline.params import TeacherParams
from pipeline.teachers.adapters.onnx.sidecar import HeatmapSidecar, Sidecar
from pipeline.teachers.decode import decode_heatmaps, decode_simcc
from pipeline.teachers.joints import teacher_convention
from pipeline.teachers.maps import HeatmapOutput, Maps
from pipeline.teachers.reduce import reduced_geometry
from pipeline.teachers.topdown import Network, Origin, TopDownTeacher


class SidecarNetwork:
    """What `Network` asks for, but for the network itself."""

    def __init__(self, sidecar: Sidecar) -> None:
        self.sidecar = sidecar
        self._geometry = sidecar.map_geometry

    def decode(self, maps: Maps) -> tuple[Float32[np.ndarray, "B K 2"], Float32[np.ndarray, "B K"]]:
        """The highest cell with a quarter-cell shift; for SimCC the highest bins."""
        if isinstance(maps, HeatmapOutput):
            cells_BK2, confidence_BK = decode_heatmaps(maps.heatmap_BKHW)
        else:
            cells_BK2, confidence_BK = decode_simcc(maps.x_BKW, maps.y_BKW)
        keypoints_BK2 = self._geometry.to_input(cells_BK2.cpu().double().numpy())
        return keypoints_BK2.astype(np.float32), confidence_BK.cpu().numpy()


def sidecar_teacher(
    name: str, params: TeacherParams, meaning: Convention, sidecar: Sidecar, network: Network, origin: Origin
) -> TopDownTeacher:
    """The teacher that `params` and the sidecar describe; `meaning` is its convention.

    Raises:
        KDError: sidecar and convention do not fit, or the storage size and the maps.
    """
    joints = {"the sidecar": sidecar.keypoints}
    made = sidecar.map_geometry
    return TopDownTeacher(
        name=name,
        network=network,
        convention=teacher_convention(name, meaning, joints, len(sidecar.keypoints)),
        crop=sidecar.crop_geometry,
        made=made,
        map=reduced_geometry(name, made, params.storage_size),
        own_mirror=made.mirror(sidecar.input.size[0]),
        flip_test=params.flip_test,
        beta=None if isinstance(sidecar.output, HeatmapSidecar) else sidecar.output.beta,
        normalisation=sidecar.input.normalisation,
        origin=origin,
    )
