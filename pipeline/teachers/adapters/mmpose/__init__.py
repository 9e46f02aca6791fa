"""The only package that imports MMPose, MMDetection, MMEngine and MMCV, and that makes them importable."""

import warnings

from pipeline.teachers.adapters.mmpose.ext import install_mmcv_ext

# They warn of deprecations in PyTorch and setuptools, on import and in every forward pass.
for _category in (DeprecationWarning, FutureWarning, UserWarning):
    warnings.filterwarnings("ignore", category=_category, module=r"mm(cv|det|engine|pose)\b")

install_mmcv_ext()
