"""`params.yaml`: what a workspace is made of, checked once, on reading; a file to a section."""

from pipeline.params.augment import AugmentParams, LastEpochsParams
from pipeline.params.datasets import CellsParams, DatasetParams, SkeletonParams
from pipeline.params.distill import DistillParams
from pipeline.params.evaluate import EvaluateParams, RuntimeParams
from pipeline.params.extract import ExtractParams, ViewsParams
from pipeline.params.params import Params, is_section, parse_params, read_params
from pipeline.params.parse import parse_section
from pipeline.params.section import ModelName, PixelSize, Section, Sha256, section_in
from pipeline.params.student import PACKAGED_WEIGHTS, InitParams, StudentParams
from pipeline.params.teachers import TeacherParams
from pipeline.params.train import TrainParams, ValidationParams

__all__ = [
    "AugmentParams",
    "CellsParams",
    "DatasetParams",
    "DistillParams",
    "EvaluateParams",
    "ExtractParams",
    "InitParams",
    "LastEpochsParams",
    "ModelName",
    "PACKAGED_WEIGHTS",
    "Params",
    "PixelSize",
    "RuntimeParams",
    "Section",
    "Sha256",
    "SkeletonParams",
    "StudentParams",
    "TeacherParams",
    "TrainParams",
    "ValidationParams",
    "ViewsParams",
    "is_section",
    "parse_params",
    "parse_section",
    "read_params",
    "section_in",
]
