"""per_person.npz: the verdict on every joint of every person, so that people can be resampled later.

`<dataset>/crop_id` int64 (N) and `<dataset>/joints` (K) name the rows and columns of every
`<dataset>/<model>/<metric>` uint8 (N, K): 0 no label that counts, 1 labelled but not predicted by the model,
2 missed, 3 met. `<dataset>/body_joints` (K) has the union's name of a joint that goes by another one. Metrics
are PCK20 and PCKh50, where the convention has the body length.
"""

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64, UInt8

from pipeline.conventions.convention import Convention
from pipeline.errors import KDError
from pipeline.files.atomic import write_atomically
from student.evaluation.metrics.pck import Pck

FILE_NAME = "per_person.npz"
_DAMAGE = (OSError, ValueError, EOFError, KeyError, TypeError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What NumPy ends in on a file that is not as it was written; RuntimeError: one that seems encrypted."""


@dataclass(frozen=True, eq=False)
class PersonVerdicts:
    """One model's verdicts on one dataset's people, a row per crop; `of` has them by metric."""

    crop_id: Int64[np.ndarray, "n"]
    joints: tuple[str, ...]
    of: Mapping[str, UInt8[np.ndarray, "n k"]]
    body_joints: tuple[str, ...] = ()
    """The same joints by what they are (`Convention.body_joints`); empty in files that do not say it."""

    @classmethod
    def from_pck(
        cls, crop_id: Int64[np.ndarray, "n"], convention: Convention, torso: Pck | None, head: Pck | None
    ) -> "PersonVerdicts":
        measured = {"PCK20": torso, "PCKh50": head}
        return cls(
            crop_id,
            convention.joints,
            {metric: share.verdict_NK for metric, share in measured.items() if share is not None},
            convention.body_joints,
        )


def write_per_person(path: Path, verdicts: Mapping[str, Mapping[str, PersonVerdicts]]) -> Path:
    """`verdicts` by dataset and model; all models of a dataset saw the same crops. The same verdicts give the
    same bytes."""
    arrays: dict[str, np.ndarray] = {}
    for dataset, models in verdicts.items():
        for model, of_model in models.items():
            arrays[f"{dataset}/crop_id"] = of_model.crop_id
            arrays[f"{dataset}/joints"] = np.array(of_model.joints)
            arrays[f"{dataset}/body_joints"] = np.array(of_model.body_joints)
            arrays |= {f"{dataset}/{model}/{metric}": values for metric, values in of_model.of.items()}
    packed = io.BytesIO()
    np.savez_compressed(packed, **arrays)
    return write_atomically(path, packed.getvalue())


def read_per_person(path: Path, model: str) -> dict[str, PersonVerdicts]:
    """One model's verdicts by dataset, of those it has any on.

    Raises:
        KDError: the file cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            datasets = [name.removesuffix("/crop_id") for name in arrays.files if name.endswith("/crop_id")]
            found = {dataset: _of_model(arrays, dataset, model) for dataset in datasets}
            return {dataset: verdicts for dataset, verdicts in found.items() if verdicts.of}
    except _DAMAGE as error:
        raise KDError(
            f"{path} cannot be read as verdicts per person ({type(error).__name__}: {error}). Write it "
            "again: kd-pipeline evaluate"
        ) from None


def _of_model(arrays: Mapping[str, np.ndarray], dataset: str, model: str) -> PersonVerdicts:
    place = f"{dataset}/{model}/"
    return PersonVerdicts(
        arrays[f"{dataset}/crop_id"],
        tuple(arrays[f"{dataset}/joints"].tolist()),
        {name.removeprefix(place): arrays[name] for name in arrays if name.startswith(place)},
        tuple(arrays[key].tolist()) if (key := f"{dataset}/body_joints") in arrays else (),
    )
