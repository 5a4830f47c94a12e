"""From a spec to the thing: options are checked against what its class takes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar

from pydantic import ValidationError

from peephole.errors import PeepholeError
from peephole.texts.spec import Spec, Value, spell

T = TypeVar("T")


def construct(
    spec: Spec, kind: Callable[..., T], built: Callable[[Spec], object], written: Callable[[object], str] = repr
) -> T:
    """Call ``kind`` with the options of ``spec``.

    Args:
        spec: what was asked for.
        kind: the thing's class: a frozen dataclass of `pydantic.dataclasses`, or one that checks its options itself.
        built: makes the things that stand among the options.
        written: a default as people would write it.

    Raises:
        PeepholeError: an option does not exist, is missing, of the wrong type or out of range; the message lists what
            the thing takes.
    """
    parameters, taken = _parameters(kind), options_of(kind, written)
    given = _given(spec, parameters, taken)
    try:
        thing = kind(**{name: _built(value, built) for name, value in given.items()})
    except ValidationError as error:
        _refuse(spec, taken, _reason(error, given))
    except (TypeError, ValueError) as error:  # a thing of somebody else that checks its options itself
        _refuse(spec, taken, " ".join(str(error).split()))
    for name, value in given.items():
        kept = getattr(thing, name, None)
        if _sort(value) and _sort(kept) and _sort(value) != _sort(kept):  # pydantic takes True for 1 and '1' for 1
            _refuse(spec, taken, f"{name} should be a {_sort(kept)}, not {spell(value)}")
    return thing


def options_of(kind: Callable[..., object], written: Callable[[object], str] = repr) -> str:
    """What a class takes, with its defaults: ``samples=25, noise=0.15``."""
    return ", ".join(
        name if each.default is each.empty else f"{name}={written(each.default)}"
        for name, each in _parameters(kind).items()
    )


def _parameters(kind: Callable[..., object]) -> Mapping[str, inspect.Parameter]:
    """What the constructor takes by name."""
    parameters = inspect.signature(kind).parameters
    return {name: each for name, each in parameters.items() if each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)}


def _given(spec: Spec, parameters: Mapping[str, inspect.Parameter], taken: str) -> dict[str, Value]:
    """The values of a text by the names of the options."""
    if len(spec.arguments) > len(parameters):
        _refuse(spec, taken, "more values than options")
    given = dict(zip(parameters, spec.arguments, strict=False))
    for name, value in spec.options:
        if name not in parameters:
            _refuse(spec, taken, f"there is no option {name}")
        if name in given:
            _refuse(spec, taken, f"{name} is given twice")
        given[name] = value
    missing = [name for name, each in parameters.items() if each.default is each.empty and name not in given]
    if missing:
        _refuse(spec, taken, f"{missing[0]} is missing")
    return given


def _built(value: Value, built: Callable[[Spec], object]) -> object:
    if isinstance(value, tuple):
        return tuple(_built(part, built) for part in value)
    return built(value) if isinstance(value, Spec) else value


def _reason(error: ValidationError, given: Mapping[str, Value]) -> str:
    """What pydantic found first, in words about the option."""
    first = error.errors(include_url=False)[0]
    option = next((str(part) for part in first["loc"] if part in given), "")
    message = " ".join(first["msg"].removeprefix("Value error, ").split())
    if not option or first["type"] == "value_error":
        return f"{option}: {message}" if option else message
    return f"{message.replace('Input', option)}, not {spell(given[option])}"


def _refuse(spec: Spec, taken: str, reason: str) -> NoReturn:
    raise PeepholeError(f"{spec}: {reason}; {spec.name} takes {taken or 'no options'}.")


def _sort(value: object) -> str | None:
    """The sort of a simple value, which an option keeps."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else None
