"""What shards are of, in the words of a run, from receipts alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from peephole.store.receipt import Receipt
from peephole.submissions.submission import METHOD


@dataclass(frozen=True)
class Described:
    """One shard.

    Attributes:
        receipt: its receipt.
        model, trigger, method: as texts; empty where it is of none.
        seed: None where it has none.
        network: the kind of the network that maps explain; empty of all others.
        metrics, layers: as the shard names them.
        share: of the pictures that it covers.
    """

    receipt: Receipt
    model: str
    trigger: str
    seed: int | None
    method: str
    network: str
    metrics: tuple[str, ...]
    layers: tuple[str, ...]
    share: float

    @property
    def words(self) -> str:
        """All that in one line."""
        parts = [self.method, *([f"by {', '.join(self.metrics)}"] if self.metrics else [])]
        parts += [f"on {self.trigger}"] if self.trigger else []
        parts += [self.model] if self.model else []
        parts += [] if self.seed is None else [f"seed {self.seed}"]
        parts += ["the clean twin's"] if self.network == "twin_model" else []
        parts += [f"{self.share:.3g} of the pictures"] if self.share < 1 else []
        return ", ".join(part for part in parts if part)


def describe(receipts: Iterable[Receipt], submissions: Mapping[str, str] | None = None) -> list[Described]:
    """Describe shards. What a spec does not say itself, such as the trigger of maps, its inputs say.

    Args:
        receipts: of a whole store; an input that is not among them says nothing.
        submissions: names of submitted methods by the digests of their code.
    """
    known = {receipt.digest: receipt for receipt in receipts}
    memory: dict[tuple[str, str], Any] = {}

    def found(digest: str, name: str) -> Any:
        """What a spec or the first of its inputs that does says of ``name``."""
        if (digest, name) not in memory:
            receipt = known.get(digest)
            own = _own(receipt, name, submissions or {}) if receipt else None
            if own is None and receipt is not None:
                own = next((of for one in receipt.inputs.values() if (of := found(one, name)) is not None), None)
            memory[digest, name] = own
        return memory[digest, name]

    def one(receipt: Receipt) -> Described:
        spec = receipt.spec.get("spec", {})
        network = known.get(receipt.inputs.get("network", "")) if receipt.kind == "maps" else None
        return Described(
            receipt,
            found(receipt.digest, "model") or "",
            found(receipt.digest, "trigger") or "",
            found(receipt.digest, "seed"),
            found(receipt.digest, "method") or "",
            network.kind if network else "",
            tuple(entry["metric"] for entry in spec.get("metrics", ())),
            tuple(receipt.facts.get("layers", ())),
            float(spec.get("share", 1.0)),
        )

    return [one(receipt) for receipt in known.values()]


def _own(receipt: Receipt, name: str, submissions: Mapping[str, str]) -> Any:
    spec = receipt.spec.get("spec", {})
    value = spec.get(name)
    if name == "method" and value == METHOD:
        code = spec.get("method_code", "")
        return submissions.get(code, f"{METHOD} {code}")
    return value
