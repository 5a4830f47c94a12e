"""The modules that stand for what a network's code does between its own modules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn


class Add(nn.Module):
    """The sum of two tensors, as a module: a residual connection that rules can see."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        """``left + right``."""
        return left + right


@dataclass(frozen=True)
class Slot:
    """In a template: the value with this index among those that a call is given."""

    index: int


@dataclass(frozen=True)
class Held:
    """In a template: the buffer of this name."""

    name: str


@dataclass(frozen=True)
class Method:
    """A method of the first argument, as a function."""

    name: str

    def __call__(self, value: Any, *args: Any, **kwargs: Any) -> Any:
        """``value.name(*args, **kwargs)``."""
        return getattr(value, self.name)(*args, **kwargs)


class Call(nn.Module):
    """Any call that has no module of its own, for example ``torch.cat`` or a module with extra arguments.

    Args:
        function: what is called; a module becomes a submodule.
        args: positional arguments, with `Slot` where a value of the graph goes and `Held` where a buffer goes.
        kwargs: keyword arguments, in the same way.
        held: the tensors that the network's code uses directly, by name.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
        held: dict[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.function = function
        self.args = args
        self.kwargs = kwargs or {}
        for name, tensor in (held or {}).items():
            self.register_buffer(name, tensor.detach())

    def forward(self, *values: Any) -> Any:
        """Call the function with ``values`` in their slots."""
        return self.function(*self._filled(self.args, values), **self._filled(self.kwargs, values))

    def _filled(self, template: Any, values: tuple[Any, ...]) -> Any:
        if isinstance(template, Slot):
            return values[template.index]
        if isinstance(template, Held):
            return self.get_buffer(template.name)
        if isinstance(template, tuple | list):
            return type(template)(self._filled(item, values) for item in template)
        if isinstance(template, dict):
            return {key: self._filled(item, values) for key, item in template.items()}
        if isinstance(template, slice):
            return slice(*(self._filled(end, values) for end in (template.start, template.stop, template.step)))
        return template

    def extra_repr(self) -> str:
        """The function's name."""
        return getattr(self.function, "__name__", None) or repr(self.function)
