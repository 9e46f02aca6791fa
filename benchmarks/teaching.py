"""Is what the student is taught true? `python -m benchmarks.teaching --json`.

Every pair of a kind of teacher and a kind of student: where a target lies, how wide it is, how hard it pulls,
which teacher is believed. Each figure is the worst over the pairs; docs/targets.md explains them.
"""

import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
import numpy as np
import torch

from benchmarks.cases.cell_case import first_rows, pack, teacher_called
from benchmarks.cases.teaching_case import (
    JOINTS,
    STUDENTS,
    TEACHER_MAPS,
    Right,
    logits_of,
    places,
    stored_rows,
    student_affine,
    training_batch,
)
from pipeline.datasets.crop_table import CropTable
from pipeline.datasets.image_files import read_image
from pipeline.datasets.index import index_dataset
from pipeline.errors import KDError
from pipeline.geometry import apply, compose, crop_affine, invert, warp_crop
from pipeline.params import DatasetParams, ExtractParams
from pipeline.store.format.map_codec import MapCodec
from pipeline.store.format.rows import StoredMaps
from pipeline.teachers.teacher import Teacher
from student.data.batch import TeacherBatch, teacher_batch
from student.losses.distillation import DistillationLoss, LossWeights, total_loss
from student.losses.divergence import divergence
from student.network.config import StudentConfig
from student.network.decode import decode
from student.targets.batch_targets import TargetMaker, TargetSettings
from student.targets.joint_targets import TeacherTargets, label_targets, teacher_targets
from student.targets.teacher_spec import TeacherSpec, warp_plane
from student.weighting.adaptive import AdaptiveWeighting
from student.weighting.ca_mkd import CaMkdWeighting
from student.weighting.fixed import FixedWeighting

CROPS = 16
OFFSETS = (4.0, 8.0, 16.0)
"""Input pixels at 192 x 256."""
APART = 8.0
ADAPTIVE_STEPS = 60
SUPERVISED = (64, 16, 4, 1)


@click.command()
@click.option("--people", default=48, show_default=True, help="Of the pack's COCO, for the real teachers.")
@click.option("--student", "students", multiple=True, type=click.Choice([*STUDENTS]), default=[*STUDENTS])
@click.option("--json", "as_json", is_flag=True)
def main(people: int, students: tuple[str, ...], as_json: bool) -> None:
    """Where targets lie, how wide they are, how hard they pull, and which teacher is believed."""
    result = measure(people, students)
    click.echo(json.dumps(result, indent=2) if as_json else table(result))


def measure(people: int, students: Sequence[str]) -> dict[str, Any]:
    """All figures; those of real teachers are missing where there is no pack."""
    shares = exact_shares(students)
    result: dict[str, Any] = {
        "exact_decode_cells": max(exact_decode_cells().values()),
        "kind_kl_nats_max": max(kind_kls().values()),
        "exact_teacher_share_min": min(shares.values()),
        "exact_teacher_share_min_at_16_px": min(
            share for (*_, offset), share in shares.items() if offset == 16.0
        ),
        "gradient_ratio_max": max(gradient_ratio(kind) for kind in ("label", *TEACHER_MAPS)),
        "score_spread": max(score_spread(name) for name in STUDENTS),
    }
    try:
        pack()
    except KDError as error:
        return result | {"real_teachers": str(error)}
    return result | real_teachers(people)


def pairs() -> Iterator[tuple[str, str]]:
    """Students and teachers by name."""
    yield from itertools.product(STUDENTS, TEACHER_MAPS)


def targets_of(
    spec: TeacherSpec, batch: TeacherBatch, student: StudentConfig, beta: float | None
) -> TeacherTargets:
    flipped_A = torch.zeros(len(batch.row_A), dtype=torch.bool)
    return teacher_targets(batch, flipped_A, spec, student, label_beta=beta)


def decode_errors(targets: TeacherTargets, student: StudentConfig) -> np.ndarray:
    """Distance of the decoded exact target from the teacher's own joint, each joint, student's input
    pixels."""
    decoded, _ = decode(logits_of(targets.positions), student.map, student.target_sigma)
    return (decoded - targets.keypoint_AR2).norm(dim=-1)[targets.taught_AR].numpy()


def exact_decode_cells() -> dict[tuple[str, str], float]:
    """Median over joints, in cells or bins of the student's map, of teachers that are exactly right."""
    found = {}
    for name, kind in pairs():
        student, beta = STUDENTS[name]
        right = Right(kind, student)
        errors = decode_errors(targets_of(right.spec, right.answer(places(CROPS)), student, beta), student)
        found[name, kind] = float(np.median(errors)) / student.map.scale[0]
    return found


def kind_kls() -> dict[tuple[str, str], float]:
    """KL from the label's target to that of a teacher who says the same, mean over joints, nats."""
    found = {}
    for name, kind in pairs():
        student, beta = STUDENTS[name]
        right, label_BK2 = Right(kind, student), places(CROPS)
        targets = targets_of(right.spec, right.answer(label_BK2), student, beta)
        keypoints = apply(student_affine(student, CROPS), label_BK2).astype(np.float32)
        label = label_targets(torch.from_numpy(keypoints), student.map, student.target_sigma, beta)
        kl = divergence(logits_of(targets.positions), label)
        found[name, kind] = float(kl[targets.taught_AR].mean())
    return found


def exact_shares(
    students: Sequence[str] = tuple(STUDENTS),
) -> dict[tuple[str, str, str, str, float], float]:
    """Share of an exact teacher beside one that is off: strategy, student, exact kind, other kind, offset."""
    found = {}
    for name, exact, other in itertools.product(students, TEACHER_MAPS, TEACHER_MAPS):
        for offset, strategy in itertools.product(OFFSETS, ("ca-mkd", "adaptive")):
            share = _exact_share(STUDENTS[name][0], exact, other, offset, strategy)
            found[strategy, name, exact, other, offset] = share
    return found


def _exact_share(student: StudentConfig, exact: str, other: str, offset: float, strategy: str) -> float:
    """The least over joints."""
    label_BK2 = places(2)
    teachers = {"exact": (Right(exact, student), 0.0), "off": (Right(other, student), offset)}
    batches = {name: right.answer(label_BK2 + [away, 0.0]) for name, (right, away) in teachers.items()}
    batch = training_batch(student, label_BK2, 1.0, batches)
    fixed = FixedWeighting(dict.fromkeys(teachers, 1.0), 0.0)
    weighting: Any = CaMkdWeighting(fixed)
    if strategy == "adaptive":
        torch.manual_seed(0)
        weighting = AdaptiveWeighting(fixed, JOINTS, channels=4)
    teacher_specs = [_renamed(right.spec, name) for name, (right, _) in teachers.items()]
    maker = TargetMaker(student, teacher_specs, weighting, ["data"], TargetSettings(joint_weights=False))
    feature_BC = torch.ones(len(label_BK2), 4)
    if strategy == "adaptive":
        _learn(maker, batch, feature_BC)
    taught = maker.of(batch, feature_BC).teachers
    exact_AR, off_AR = (taught[name].weight_AR for name in ("exact", "off"))
    return float((exact_AR / (exact_AR + off_AR)).min())


def _renamed(spec: TeacherSpec, name: str) -> TeacherSpec:
    return replace(spec, name=name)


def _learn(maker: TargetMaker, batch: Any, feature_BC: torch.Tensor) -> None:
    (module,) = maker.learned()
    optimiser = torch.optim.Adam(module.parameters(), lr=0.05)
    answers, sample = maker.evidence(batch, feature_BC)
    for _ in range(ADAPTIVE_STEPS):
        (term,) = maker.weighting.terms(answers, sample)
        optimiser.zero_grad()
        term.value.backward()
        optimiser.step()


def gradient_ratio(kind: str) -> float:
    """Largest over smallest gradient of one joint, with 64, 16, 4 and 1 of 64 crops supervised."""
    student, pulls = STUDENTS["heatmap 24x32"][0], []
    label_BK2 = places(64)
    for crops in SUPERVISED:
        right, teachers, teacher_specs = None, {}, []
        if kind != "label":
            right = Right(kind, student)
            teachers[kind], teacher_specs = right.answer(label_BK2[:crops]), [right.spec]
        batch = training_batch(student, label_BK2, 0.0, teachers)
        if kind == "label":
            batch.weight_BU[:crops] = 1.0
        weighting = FixedWeighting({t.name: 1.0 for t in teacher_specs}, 0.0)
        loss = DistillationLoss(TargetMaker(student, teacher_specs, weighting, ["data"]), LossWeights())
        logits = torch.zeros(64, JOINTS, student.map.size[0] * student.map.size[1], requires_grad=True)
        total_loss(loss.terms((logits,), batch, torch.zeros(64, 4))).backward()
        pulls.append(float(logits.grad[0].norm()))
    return max(pulls) / min(pulls)


def score_spread(name: str) -> float:
    """Largest minus smallest mean score of a student that is exactly as it is taught, over its teachers."""
    student, beta = STUDENTS[name]
    label_BK2 = places(CROPS)
    keypoints = apply(student_affine(student, CROPS), label_BK2).astype(np.float32)
    taught = [label_targets(torch.from_numpy(keypoints), student.map, student.target_sigma, beta)]
    for kind in TEACHER_MAPS:
        right = Right(kind, student)
        taught.append(targets_of(right.spec, right.answer(label_BK2), student, beta).positions)
    scores = [
        float(decode(logits_of(positions), student.map, student.target_sigma)[1].mean())
        for positions in taught
    ]
    return max(scores) - min(scores)


def real_teachers(people: int) -> dict[str, Any]:
    """Decoding of the pack's teachers' targets, and who is believed where two of them disagree."""
    table = _people(people)
    student, beta = STUDENTS["rtmcc"]
    cells = {}
    answers = {}
    for name in ("rtmpose-t", "movenet_thunder", "td-hm", "efficientpose_I", "cpm"):
        teacher = teacher_called(name, flip_test=False)
        rows = _stored(teacher, table)
        answers[name] = (teacher, rows)
    teacher, rows = answers["rtmpose-t"]
    exact = np.median(_errors(teacher, rows, table, student, beta))
    for name in ("movenet_thunder", "td-hm", "efficientpose_I", "cpm"):
        for size in ("heatmap 24x32", "heatmap 48x64"):
            config, label_beta = STUDENTS[size]
            errors = _errors(*answers[name], table, config, label_beta)
            cells[f"{name}, {size}"] = float(np.median(errors)) / config.map.scale[0]
    return {
        "people": len(table),
        "exact_decode_px": float(exact),
        "exact_decode_cells_real": max(cells.values()),
        "nearer_wins": nearer_wins(
            {name: answers[name] for name in ("movenet_thunder", "rtmpose-t")}, table, student
        ),
    }


def _people(count: int) -> CropTable:
    params = DatasetParams(
        format="coco",
        convention="coco17",
        images="coco_tiny/images",
        annotations="coco_tiny/annotations/val.json",
    )
    table, _ = index_dataset("coco_tiny", params, pack())
    return first_rows(table, min(count, len(table)))


def _stored(teacher: Teacher, table: CropTable) -> StoredMaps:
    """The teacher's answers as a store of the default preset has them."""
    affine_B23 = crop_affine(table.bbox, teacher.crop)
    crops = np.stack(
        [
            warp_crop(read_image(table.image_path(row)), affine_B23[row], teacher.crop.input_size)
            for row in range(len(table))
        ]
    )
    output = teacher.predict(torch.from_numpy(crops))
    codec = MapCodec.of(ExtractParams(), teacher.map.kind, teacher.beta)
    stored = codec.encode(output.maps)
    stored.pop("floor")
    return StoredMaps(
        maps=stored_rows(stored),
        confidence_BK=output.confidence_BK.astype(np.float32),
        keypoints_BK2=apply(invert(affine_B23), output.keypoints_BK2.astype(np.float64)).astype(np.float32),
        affine_B23=compose(teacher.map.map_affine(), affine_B23),
        crop_id_B=table.crop_id,
    )


def _errors(
    teacher: Teacher, rows: StoredMaps, table: CropTable, student: StudentConfig, beta: float | None
) -> np.ndarray:
    spec, batch = _taught(teacher, rows, table, student)
    return decode_errors(targets_of(spec, batch, student, beta), student)


def _taught(
    teacher: Teacher, rows: StoredMaps, table: CropTable, student: StudentConfig
) -> tuple[TeacherSpec, TeacherBatch]:
    codec = MapCodec.of(ExtractParams(), teacher.map.kind, teacher.beta)
    relations = student.skeleton.relations_of(teacher.convention)
    joints = teacher.convention.joints
    spec = TeacherSpec.of(teacher.name, relations, joints, teacher.map, teacher.crop, codec, student)
    affine_B23 = crop_affine(table.bbox, student.crop)
    batch = teacher_batch(spec, torch.arange(len(table)), rows, affine_B23, warp_plane(student))
    return spec, batch


def nearer_wins(
    answers: dict[str, tuple[Teacher, StoredMaps]], table: CropTable, student: StudentConfig
) -> dict[str, Any]:
    """Of labelled joints on which two teachers are more than APART px apart, how often CA-MKD gives the
    nearer one the larger weight, by which of them it is."""
    taught = {name: _taught(*answer, table, student) for name, answer in answers.items()}
    affine_B23 = crop_affine(table.bbox, student.crop)
    labels = torch.from_numpy(apply(affine_B23, table.keypoints).astype(np.float32))
    scale_B = np.sqrt(np.abs(np.linalg.det(affine_B23[:, :, :2])))
    batch = training_batch(
        student, np.zeros((len(table), JOINTS, 2)), 1.0, {name: b for name, (_, b) in taught.items()}
    )
    batch = replace(
        batch,
        keypoint_BU2=labels,
        weight_BU=torch.from_numpy((table.visibility > 0).astype(np.float32)),
        body_B=torch.from_numpy((np.sqrt(table.area) * scale_B).astype(np.float32)),
    )
    fixed = FixedWeighting(dict.fromkeys(taught, 1.0), 0.0)
    teacher_specs = [spec for spec, _ in taught.values()]
    maker = TargetMaker(student, teacher_specs, CaMkdWeighting(fixed), ["coco_tiny"])
    by = maker.of(batch, torch.zeros(len(table), 4)).teachers
    (first, a), (second, b) = by.items()
    place_a, place_b = a.answer.targets.keypoint_AR2, b.answer.targets.keypoint_AR2
    union_AR = a.answer.targets.union_AR
    rows = torch.arange(len(table))[:, None]
    label_AR2, labelled_AR = labels[rows, union_AR], batch.weight_BU[rows, union_AR] > 0
    both = a.answer.targets.taught_AR & b.answer.targets.taught_AR & labelled_AR
    apart = both & ((place_a - place_b).norm(dim=-1) > APART)
    first_is_nearer = (place_a - label_AR2).norm(dim=-1) < (place_b - label_AR2).norm(dim=-1)
    first_wins = a.weight_AR > b.weight_AR
    return {
        "joints": int(apart.sum()),
        first: float(first_wins[apart & first_is_nearer].float().mean()),
        second: float((b.weight_AR > a.weight_AR)[apart & ~first_is_nearer].float().mean()),
    }


def table(result: dict[str, Any]) -> str:
    """One figure to a line."""
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {_number(inner)}" for key, inner in value.items())
        lines.append(f"{name:34s} {_number(value)}")
    return "\n".join(lines)


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
