"""What indexing takes of memory and time on a large annotation file, beside parsing it and nothing else."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import click
import cv2
import numpy as np
import yaml

from pipeline.conventions.registry import load_convention

IMAGES = 200
SIZE = (640, 480)
OUTLINE_POINTS = 30
PLAIN = "import json, sys; value = json.loads(open(sys.argv[1], 'rb').read().decode())"


def measure_indexing(megabytes: float, outlines: bool, folder: Path) -> dict[str, float]:
    """Peak MB and CPU seconds of `kd-pipeline index-datasets` and of the json module over one COCO file."""
    people = write_annotations(folder, megabytes, outlines)
    index_mb, index_s = _run(folder, "-m", "stages", "index-datasets")
    json_mb, json_s = _run(folder, "-c", PLAIN, "people.json")
    found = {"annotation_mb": megabytes, "people": people}
    found |= {"index_mb": index_mb, "json_mb": json_mb, "index_over_json": index_mb / json_mb}
    return found | {"index_cpu_s": index_s, "json_cpu_s": json_s, "index_over_file": index_mb / megabytes}


def write_annotations(folder: Path, megabytes: float, outlines: bool) -> int:
    """A workspace with a COCO file of that size; how many people it has. Many share a picture."""
    (folder / "images").mkdir()
    picture = cv2.imencode(".png", np.full((SIZE[1], SIZE[0], 3), 90, np.uint8))[1].tobytes()
    names = [f"{number:012d}.png" for number in range(IMAGES)]
    for name in names:
        (folder / "images" / name).write_bytes(picture)
    dataset = {"format": "coco", "convention": "coco17", "images": "images", "annotations": "people.json"}
    teacher = {"adapter": "onnx", "config": "t.yaml", "checkpoint": "t.onnx", "convention": "coco17"}
    params = {
        "cells": {"teachers": ["t"], "datasets": ["people"]},
        "datasets": {"people": dataset},
        "teachers": {"t": teacher},
        "train": {"datasets": ["people"]},
        "evaluate": {"datasets": ["people"]},
    }
    (folder / "params.yaml").write_text(yaml.safe_dump(params))
    joints = list(load_convention("coco17").joints)
    images = [
        {"id": number, "file_name": name, "width": SIZE[0], "height": SIZE[1]}
        for number, name in enumerate(names)
    ]
    categories = [{"id": 1, "name": "person", "keypoints": joints}]
    rng, people = random.Random(0), 0
    with (folder / "people.json").open("w") as file:
        file.write(json.dumps({"categories": categories, "images": images})[:-1] + ', "annotations": [')
        while file.tell() < megabytes * 1e6:
            file.write((", " if people else "") + json.dumps(_person(people, len(joints), outlines, rng)))
            people += 1
        file.write("]}")
    return people


def _person(number: int, joints: int, outlines: bool, rng: random.Random) -> dict:
    x, y, w, h = (
        round(rng.uniform(low, high), 2) for low, high in ((0, 300), (0, 200), (50, 300), (50, 250))
    )
    points = [
        (int(rng.uniform(x, x + w)), int(rng.uniform(y, y + h)), rng.randrange(1, 3)) for _ in range(joints)
    ]
    outline = [round(rng.uniform(0, 400), 2) for _ in range(2 * OUTLINE_POINTS)]
    return {
        "segmentation": [outline] if outlines else [],
        "num_keypoints": joints,
        "area": round(w * h / 2, 4),
        "iscrowd": 0,
        "keypoints": [value for point in points for value in point],
        "image_id": number % IMAGES,
        "bbox": [x, y, w, h],
        "category_id": 1,
        "id": number,
    }


def _run(folder: Path, *arguments: str) -> tuple[float, float]:
    """Peak resident set, MB, and CPU seconds of a Python process."""
    command = [sys.executable, *arguments]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        errors = process.stderr.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise click.ClickException(f"{' '.join(arguments)} failed: {errors}")
    return usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3), usage.ru_utime + usage.ru_stime
