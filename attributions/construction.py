"""From a method's spec to the method: of a library, or of ours with its options checked."""

from __future__ import annotations

from dataclasses import Field, fields, is_dataclass
from typing import Any

from peephole.attributions.adapters.base import ADAPTERS
from peephole.attributions.base import ATTRIBUTIONS, Attribution
from peephole.attributions.spec import MethodSpec
from peephole.texts import construction


def construct(spec: MethodSpec) -> Attribution:
    """Import and construct the method of a spec whose names are registered ones.

    Raises:
        PeepholeError: an option does not exist, is missing, of the wrong type or out of range; or a library is not
            installed, or has no such method.
    """
    if spec.library is not None:
        return ADAPTERS[spec.library](spec.name, dict(spec.options))
    return construction.construct(spec, ATTRIBUTIONS[spec.name], construct, _written)


def options_of(name: str) -> str:
    """The options of one of our methods with their defaults, ``samples=25, noise=0.15``; imports it."""
    return construction.options_of(ATTRIBUTIONS[name], _written)


def _written(default: object) -> str:
    """A default as people would write it; of a method, its name and the options that differ from its own defaults."""
    if not isinstance(default, Attribution):
        return repr(default)
    own: tuple[Field[Any], ...] = fields(default) if is_dataclass(default) else ()
    changed = {each.name: getattr(default, each.name) for each in own if getattr(default, each.name) != each.default}
    options = [f"{name}={_written(value)}" for name, value in changed.items()]
    name = type(default).__module__.rpartition(".")[2]
    return f"{name}({', '.join(options)})" if options else name
