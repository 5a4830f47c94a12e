"""Several methods asked about the same pictures, batch by batch, their maps kept on disk until they are stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from peephole.errors import PeepholeError
from peephole.store.store import StorageError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from peephole.attributions.base import Attribution
    from peephole.attributions.canonical import Canonical
    from peephole.attributions.question import Question
    from peephole.leaderboard.base import Probes
    from peephole.workspace import Workspace


class Asked:
    """Methods by any key, and what they answer.

    A method that raises is asked no more; the others go on.

    Args:
        specs: of the methods: ``method`` and ``method_code``, see `Workspace.method`.
        workspace: makes methods of them.
        network: the canonical graph that they explain.
        folder: an empty folder for the maps.

    Attributes:
        errors: what methods raised.
    """

    def __init__(
        self, specs: Mapping[str, Mapping[str, Any]], workspace: Workspace, network: Canonical, folder: Path
    ) -> None:
        from peephole.attributions.base import layers_of

        self.errors: dict[str, Exception] = {}
        self._network, self._folder, self._store = network, folder, workspace.store
        self._texts = {key: workspace.method_name(spec) for key, spec in specs.items()}
        self._methods: dict[str, tuple[Attribution, tuple[str, ...]]] = {}
        self._arrays: dict[str, dict[str, NDArray[np.float32]]] = {}
        self._seconds = dict.fromkeys(specs, 0.0)
        self._rows = dict.fromkeys(specs, 0)
        self._pass_seconds, self._pass_rows = 0.0, 0
        for key, spec in specs.items():
            with self._caught(key):
                method = workspace.method(spec)
                self._methods[key] = (method, layers_of(method, network))

    def explain(self, probes: Probes, batch: int, report: Callable[[float], None]) -> None:
        """Ask about every picture and target.

        Args:
            probes: the pictures.
            batch: rows a pass, a row being a picture and a target; all targets of a picture are in one batch.
            report: told the share that is done.
        """
        import torch

        from peephole.attributions.question import Question, uses_of

        count, targets = probes.target.shape
        pieces = torch.arange(count).split(max(1, batch // targets))
        for done, piece in enumerate(pieces):
            image, target = probes.image[piece].repeat_interleave(targets, 0), probes.target[piece].flatten()
            question = Question(self._network, image, target, self._network.layers)
            seconds = pass_seconds(self._network, image, target)
            if done or len(pieces) == 1:
                self._pass_seconds += seconds
                self._pass_rows += len(target)
            waiting = [key for key in self._methods if key not in self.errors]
            for place, key in enumerate(waiting):
                with self._caught(key):
                    try:
                        self._answer(question, key, piece, count)
                    except torch.OutOfMemoryError:
                        question.forget(*self._methods[key])
                        self._answer_in_parts(probes, key, piece, count)
                        continue
                    # The first batch pays for what is set up once; it counts only where there is no other.
                    if done or len(pieces) == 1:
                        self._seconds[key] += question.seconds(*self._methods[key])
                        self._rows[key] += len(target)
                later = [used for other in waiting[place + 1 :] for used in uses_of(self._methods[other][0])]
                if self._methods[key][0] not in later:
                    question.forget(*self._methods[key])
                report((done + (place + 1) / len(waiting)) / len(pieces))

    def maps(self, key: str) -> dict[str, NDArray[np.float32]]:
        """``maps/LAYER`` float32 ``[N,T,c,h,w]``, in the order of the layers."""
        return {f"maps/{layer}": array for layer, array in self._arrays[key].items()}

    def facts(self, key: str) -> dict[str, float]:
        """What the method takes alone, all layers together, a picture and target: ``ms_per_image``, in milliseconds,
        and ``passes``, in multiples of one forward and backward pass, which was timed beside it.
        """
        seconds = self._seconds[key] / self._rows[key]
        return {"ms_per_image": 1000 * seconds, "passes": seconds * self._pass_rows / self._pass_seconds}

    def _answer_in_parts(self, probes: Probes, key: str, piece: torch.Tensor, count: int) -> None:
        """Ask one method about a batch that does not fit in memory, in as many parts as it takes."""
        import torch

        from peephole.attributions.question import Question

        if len(piece) == 1:
            raise PeepholeError(
                f"{self._texts[key]} does not fit in the memory of {probes.image.device}: not one picture."
            )
        for part in piece.tensor_split(2):
            image, target = (
                probes.image[part].repeat_interleave(probes.target.shape[1], 0),
                probes.target[part].flatten(),
            )
            question = Question(self._network, image, target, self._network.layers)
            try:
                self._answer(question, key, part, count)
            except torch.OutOfMemoryError:
                self._answer_in_parts(probes, key, part, count)
            else:
                self._seconds[key] += question.seconds(*self._methods[key])
                self._rows[key] += len(target)

    def _answer(self, question: Question, key: str, piece: torch.Tensor, count: int) -> None:
        """Write the maps of one batch to their place on disk."""
        from peephole.attributions.checked import check_maps

        method, layers = self._methods[key]
        maps = check_maps(self._texts[key], question.maps(method, layers), self._network, question.x, layers)
        arrays = self._arrays.setdefault(key, {})
        for number, layer in enumerate(layers):
            values = stored(maps[layer], keep_channels=layer == self._network.layers[0])
            values = values.unflatten(0, (len(piece), -1)).cpu()
            if layer not in arrays:
                arrays[layer] = self._store.waiting(self._folder / f"{key}-{number}.npy", (count, *values.shape[1:]))
            arrays[layer][piece.numpy()] = values.numpy()

    @contextmanager
    def _caught(self, key: str) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise  # the disk's fault, not the method's
        except Exception as error:  # noqa: BLE001  a submitted method may raise anything; it is kept and reported
            self.errors[key] = error


def pass_seconds(network: Canonical, x: Tensor, target: Tensor) -> float:
    """What one forward pass and one backward pass to the picture take: the measure of a method's cost."""
    import torch

    def settle() -> None:
        if x.is_cuda:
            torch.cuda.synchronize(x.device)

    settle()
    start = time.perf_counter()
    with torch.enable_grad():
        picture = x.detach().clone().requires_grad_()
        torch.autograd.grad(network(picture).gather(1, target[:, None]).sum(), picture)
    settle()
    return time.perf_counter() - start


def stored(values: Tensor, *, keep_channels: bool) -> Tensor:
    """Maps ``[B,c,h,w]`` as they are kept: channels summed except at the input."""
    return (values if keep_channels else values.sum(1, keepdim=True)).detach().float()
