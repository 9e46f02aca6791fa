"""Everything that can be added by one new file and one line: the line goes here. See docs/extending.md.

A dictionary for each kind, a line for each member: the name it has in params.yaml, then "module:attribute".
"""

from pipeline.registry import Registry

FORMATS = Registry(
    "format",
    {
        "coco": "pipeline.datasets.formats.coco:read",
        "mpii": "pipeline.datasets.formats.mpii:read",
        "posetrack18": "pipeline.datasets.formats.posetrack18:read",
        "images": "pipeline.datasets.formats.unlabelled:read",
    },
)
"""`datasets.<name>.format`: functions from an AnnotationSource to Annotations."""

ADAPTERS = Registry(
    "adapter",
    {
        "mmpose": "pipeline.teachers.adapters.mmpose_adapter:MMPoseAdapter",
        "onnx": "pipeline.teachers.adapters.onnx_adapter:OnnxAdapter",
    },
)
"""`teachers.<name>.adapter`: subclasses of Adapter."""

BACKBONES = Registry(
    "backbone",
    {
        "mobilenet_v3_small": "student.network.backbones.torchvision_backbone:MobileNetBackbone",
        "mobilenet_v3_large": "student.network.backbones.torchvision_backbone:MobileNetBackbone",
        "resnet18_slim": "student.network.backbones.slim_resnet:SlimResNet18",
        "resnet18": "student.network.backbones.torchvision_backbone:ResNetBackbone",
        "resnet34": "student.network.backbones.torchvision_backbone:ResNetBackbone",
        "resnet50": "student.network.backbones.torchvision_backbone:ResNetBackbone",
        "efficientnet_lite0": "student.network.backbones.efficientnet_lite:EfficientNetLite0",
        "cspnext_t": "student.network.backbones.cspnext:CSPNeXt",
        "cspnext_s": "student.network.backbones.cspnext:CSPNeXt",
        "cspnext_m": "student.network.backbones.cspnext:CSPNeXt",
        "timm:NAME": "student.network.backbones.timm_backbone:TimmBackbone",
    },
)
"""`student.backbone`: subclasses of Backbone."""

HEADS = Registry(
    "head",
    {
        "heatmap": "student.network.heads.heatmap:HeatmapHead",
        "simcc": "student.network.heads.simcc:SimCCHead",
        "rtmcc": "student.network.heads.rtmcc:RTMCCHead",
    },
)
"""`student.head`: subclasses of Head."""

INITIALISERS = Registry(
    "source of initial weights",
    {
        "rtmpose": "student.network.init.rtmpose_checkpoint:read_rtmpose",
        "simple_baseline": "student.network.init.simple_baseline_checkpoint:read_simple_baseline",
        "backbone": "student.network.init.backbone_file:read_backbone",
        "student": "student.network.init.other_student:read_student",
    },
)
"""Settings of `student.init`, each a field of InitParams too: functions from that section, the workspace's
root and the student to InitialWeights."""

LOSSES = Registry(
    "loss",
    {
        "kl": "student.losses.divergence:kl",
        "mse": "student.losses.squared_error:mse",
        "peak_mse": "student.losses.squared_error:peak_mse",
    },
)
"""`distill.loss`: functions from LossSettings to a PositionLoss."""

WEIGHTINGS = Registry(
    "weighting",
    {
        "fixed": "student.weighting.fixed:FixedWeighting",
        "confidence": "student.weighting.confidence:ConfidenceWeighting",
        "ca-mkd": "student.weighting.ca_mkd:CaMkdWeighting",
        "adaptive": "student.weighting.adaptive:AdaptiveWeighting",
        "reliability": "student.weighting.reliability:ReliabilityWeighting",
    },
)
"""`distill.weighting`: subclasses of TeacherWeighting."""

METRICS = Registry(
    "metric",
    {
        "AP": "student.evaluation.metrics.numbers:ap",
        "AP50": "student.evaluation.metrics.numbers:ap50",
        "AP75": "student.evaluation.metrics.numbers:ap75",
        "AP_medium": "student.evaluation.metrics.numbers:ap_medium",
        "AP_large": "student.evaluation.metrics.numbers:ap_large",
        "AR": "student.evaluation.metrics.numbers:ar",
        "AR50": "student.evaluation.metrics.numbers:ar50",
        "AR75": "student.evaluation.metrics.numbers:ar75",
        "AR_medium": "student.evaluation.metrics.numbers:ar_medium",
        "AR_large": "student.evaluation.metrics.numbers:ar_large",
        "PCK20_limbs": "student.evaluation.metrics.numbers:pck20_limbs",
        "PCK20": "student.evaluation.metrics.numbers:pck20",
        "PCKh50": "student.evaluation.metrics.numbers:pckh50",
        "ECE": "student.evaluation.metrics.numbers:ece",
    },
)
"""What details.json has of a model on a dataset, in this order: functions from Scores to a fraction, of which
more is better (but of `ECE`), or None."""

COMMANDS = Registry(
    "command",
    {
        "init": "stages.commands.init:init",
        "doctor": "stages.commands.doctor:doctor",
        "skeleton": "stages.commands.skeleton:skeleton",
        "synthesize": "stages.commands.synthesize:synthesize",
        "detect-people": "stages.commands.detect_people:detect_people",
        "index-datasets": "stages.commands.index_datasets:index_datasets",
        "extract-teachers": "stages.commands.extract_teachers:extract_teachers",
        "train-student": "stages.commands.train_student:train_student",
        "evaluate": "stages.commands.evaluate:evaluate",
        "ablate": "stages.commands.ablate.command:ablate",
        "ablate-run": "stages.commands.ablate.run_process:ablate_run",
        "store": "stages.commands.store.group:store",
        "fidelity": "stages.commands.fidelity:fidelity",
        "calibrate": "stages.commands.calibrate:calibrate",
        "reliability": "stages.commands.reliability:reliability",
        "recipe": "stages.commands.recipe:recipe",
    },
)
"""Of `kd-pipeline`, in the order in which a newcomer needs them: click's commands."""
