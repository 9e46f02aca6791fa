"""The union of COCO and MPII as a convention of its own, so that whole bodies can be annotated."""

import yaml

from demo.datasets.labels import union_skeleton


def union_convention_yaml() -> str:
    """The convention file (see convention_file.py) of a dataset labelled with all 21 joints."""
    union = union_skeleton()
    mirrored = [union.joints[place] for place in union.flip_permutation]
    joints = {}
    for joint, mirror, sigma in zip(union.joints, mirrored, union.sigmas, strict=True):
        joints[joint] = {"sigma": sigma} if mirror == joint else {"sigma": sigma, "mirror": mirror}
    limbs = [list(limb) for limb in union.limbs]
    lines = {"joints": joints, "limbs": limbs, "head_segment": ["upper_neck", "head_top"]}
    return yaml.safe_dump(lines, sort_keys=False)
