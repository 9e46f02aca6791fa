"""MMPose's networks, without importing what only training and evaluation use.

`mmpose.models` imports functions that compute training metrics, and with them all of MMPose's datasets and
metrics, scipy.stats and matplotlib; MMEngine's base classes import PyTorch's fully sharded training. A
teacher calls none of that, and would take twice as long to start. Of what these modules register, a process
that has loaded a teacher in this way does not know MMEngine's sharded training by name.
"""

from pipeline.deferred_import import deferred_import

_FOR_TRAINING = {
    "mmdet.utils.mot_error_visualize": ("imshow_mot_errors",),
    "mmengine._strategy.fsdp": ("FSDPStrategy",),
    "mmengine.model.wrappers.fully_sharded_distributed": ("MMFullyShardedDataParallel",),
    "mmengine.optim.optimizer.zero_optimizer": ("ZeroRedundancyOptimizer",),
    "mmpose.datasets.datasets.utils": ("parse_pose_metainfo",),
    "mmpose.evaluation.functional": (
        "keypoint_mpjpe",
        "keypoint_pck_accuracy",
        "multilabel_classification_accuracy",
        "nms_torch",
        "pose_pck_accuracy",
        "simcc_pck_accuracy",
    ),
    "mmpose.evaluation.functional.nms": ("nearby_joints_nms",),
}

with deferred_import(_FOR_TRAINING):
    from mmpose.models.builder import build_pose_estimator

__all__ = ["build_pose_estimator"]
