"""The union skeleton of a workspace."""

from pipeline.conventions.convention import Convention
from pipeline.conventions.registry import load_convention
from pipeline.conventions.union import UnionSkeleton, build_union
from pipeline.workspace import Workspace


def workspace_convention_names(workspace: Workspace) -> list[str]:
    """The conventions that `skeleton.conventions` names, else those of every dataset and teacher in use that
    has one."""
    params = workspace.params
    names = params.skeleton.conventions or [
        *(params.datasets[name].convention for name in (*params.cells.datasets, *params.train.datasets)),
        *(params.teachers[name].convention for name in params.cells.teachers),
    ]
    return [name for name in dict.fromkeys(names) if name is not None]


def workspace_conventions(workspace: Workspace) -> list[Convention]:
    """The same, loaded."""
    return [load_convention(name, workspace.root) for name in workspace_convention_names(workspace)]


def workspace_union(workspace: Workspace) -> UnionSkeleton:
    """What the student predicts.

    Raises:
        KDError: a convention is unknown or wrong, or `skeleton.joints` asks for a joint that none provides.
    """
    skeleton = workspace.params.skeleton
    return build_union(workspace_conventions(workspace), skeleton.similar_weight, skeleton.joints)
