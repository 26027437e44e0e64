"""``nnconvert migrate``: read a checkpoint, find out what must happen, write the new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnconvert.checkpoint import archive, groups, safetensors_file, state_map, torch_file
from nnconvert.checkpoint.admitted import Admitted
from nnconvert.checkpoint.contents import contents
from nnconvert.checkpoint.errors import CheckpointError
from nnconvert.checkpoint.fit import choose, nothing_fits
from nnconvert.checkpoint.keys import KeyMoves, plan_keys
from nnconvert.checkpoint.optimizer import OptimizerMoves
from nnconvert.checkpoint.output import created, require_writable
from nnconvert.checkpoint.part import Part, named, parts
from nnconvert.checkpoint.plan import apply, plan
from nnconvert.checkpoint.table import summary, table
from nnconvert.errors import UsageError

_SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for."""

    checkpoint: Path
    state_map: Path
    output: Path | None
    """None to write nothing."""
    reverse: bool = False
    model: str | None = None
    groups: Path | None = None
    skip: tuple[str, ...] = ()
    allow_globals: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True, slots=True)
class Migration:
    """What a checkpoint becomes, and how to write it."""

    keys: tuple[KeyMoves, ...]
    optimizers: tuple[OptimizerMoves, ...]
    left: tuple[str, ...]
    save: Callable[[Path], None]

    @property
    def table(self) -> str:
        return table(self.keys, self.optimizers, self.left)

    @property
    def summary(self) -> str:
        return summary(self.keys, self.optimizers, self.left)


def migrate(request: Request) -> Migration:
    """Carry a request out. Raises UsageError before the checkpoint is read, CheckpointError after."""
    found = _parts(request)
    given = [request.checkpoint, request.state_map, *([request.groups] if request.groups else [])]
    if request.output is not None:
        require_writable(request.output, given, force=request.force)
    try:
        migration = _plan(request, found)
        if request.output is not None:
            _write(migration, request.output, request)
    except CheckpointError as error:
        raise CheckpointError(f"{request.checkpoint}: {error}") from error
    return migration


def _parts(request: Request) -> list[Part]:
    found = parts(state_map.read(request.state_map), reverse=request.reverse)
    return [named(found, request.model)] if request.model is not None else found


def _plan(request: Request, found: list[Part]) -> Migration:
    kind = archive.kind(request.checkpoint)
    _require_same_suffix(request, kind)
    if kind == archive.SAFETENSORS:
        return _plan_safetensors(request, found)
    return _plan_torch(request, found, legacy=kind == archive.LEGACY)


def _require_same_suffix(request: Request, kind: str) -> None:
    """torch.load and others go by the suffix .safetensors, and the format of a file does not change here."""
    for path in (request.checkpoint, request.output):
        if path is not None and kind != archive.SAFETENSORS and path.suffix == _SUFFIX:
            raise UsageError(f"{path}: the checkpoint is a file of torch.save, whatever it is named, and stays one")
    if kind == archive.SAFETENSORS and request.output is not None and request.output.suffix != _SUFFIX:
        raise UsageError(f"{request.output}: the checkpoint is a safetensors file, and stays one: -o NAME{_SUFFIX}")


def _plan_torch(request: Request, found: list[Part], *, legacy: bool) -> Migration:
    torch = torch_file.require_torch()
    admitted = Admitted(request.allow_globals)
    given_groups = groups.read(request.groups) if request.groups else None
    if not legacy:
        archive.require_whole(request.checkpoint)
    loaded = torch_file.load(request.checkpoint, legacy=legacy, admitted=admitted)
    planned = plan(contents(loaded.content, torch.is_tensor), found, given_groups, request.skip)

    def save(path: Path) -> None:
        apply(planned)
        torch_file.save(loaded, path)

    return Migration(
        tuple(moves for _, moves in planned.state_dicts),
        tuple(moves for _, moves in planned.optimizers),
        planned.left,
        save,
    )


def _plan_safetensors(request: Request, found: list[Part]) -> Migration:
    if request.groups or request.skip or request.allow_globals:
        raise UsageError("a safetensors file is one state_dict: --groups, --skip and --allow-global are for torch.save")
    header = safetensors_file.read(request.checkpoint)
    keys = [*header.names, *header.aliases(header.metadata)]
    fit = choose("its header", keys, found)
    if fit is None:
        raise CheckpointError(nothing_fits([keys], found))
    moves = plan_keys("the header", keys, fit)
    text = safetensors_file.renamed(header, moves)

    def save(path: Path) -> None:
        safetensors_file.write(request.checkpoint, header, text, moves.dropped, path)

    return Migration((moves,), (), (), save)


def _write(migration: Migration, output: Path, request: Request) -> None:
    try:
        with created(output, like=request.checkpoint, replace=request.force) as temporary:
            migration.save(temporary)
    except OSError as error:
        raise CheckpointError(f"{output} cannot be written: {error.strerror or error}") from error
