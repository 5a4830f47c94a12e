"""What the store costs: writing maps beside computing them, reading them to be scored, and their size.

python tests/speed/store.py [FOLDER WITH RESULTS]

Sizes are those of the relevance rules' maps in FOLDER, and of those that are computed here where none is given.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from peephole.attributions.base import layers_of
from peephole.attributions.canonical import Canonical
from peephole.attributions.graph import canonicalise
from peephole.attributions.methods import build
from peephole.attributions.question import Question
from peephole.datasets.base import DATASETS
from peephole.models import named
from peephole.store.contents import receipts
from peephole.store.copying import GZIP_LEVEL
from peephole.store.shard import CHUNK_BYTES, Shard, load_filters
from peephole.store.store import Store
from peephole.units.asked import stored

PICTURES, BATCH, ROUNDS = 128, 64, 3
CHEAPEST = "gradient"
RULES = ("lrp", "dtd", "excitation_backprop")
PIXELS = 1 << 18
"""Of the maps of one layer in a piece, see `peephole.units.pieces`."""


def pictures() -> torch.Tensor:
    """Real ones if there are any, else shapes: float32 ``[PICTURES,3,h,w]`` in [0,1]."""
    data = os.environ.get("PEEPHOLE_DATA")
    name = "cifar10" if data and (Path(data) / "cifar10").exists() else "shapes"
    images = DATASETS[name](side=32, folder=Path(data) if data else None).load("test").images[:PICTURES]
    return torch.from_numpy(np.asarray(images)).float().div(255).reshape(-1, 3, 32, 32)


def explained(network: Canonical, method: str, images: torch.Tensor) -> dict[str, NDArray[np.float32]]:
    """Maps as a run stores them, at every layer: ``maps/LAYER`` float32 ``[N,1,c,h,w]``."""
    asked = build(method)
    layers = layers_of(asked, network)
    found: dict[str, list[NDArray[np.float32]]] = {layer: [] for layer in layers}
    for x in images.split(BATCH):
        question = Question(network, x, network(x).argmax(1), network.layers)
        for layer, values in question.maps(asked, layers).items():
            found[layer].append(stored(values, keep_channels=layer == network.layers[0]).unsqueeze(1).numpy())
    return {f"maps/{layer}": np.concatenate(parts) for layer, parts in found.items()}


def size(arrays: dict[str, NDArray[np.float32]]) -> int:
    """Bytes of raw float32."""
    return sum(array.nbytes for array in arrays.values())


def writing(store: Store, network: Canonical, images: torch.Tensor) -> tuple[float, dict[str, NDArray[np.float32]]]:
    """The time to write maps over that to compute them: the median of `ROUNDS`."""
    explained(network, CHEAPEST, images[:BATCH])
    ratios = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        arrays = explained(network, CHEAPEST, images)
        middle = time.perf_counter()
        store.write("maps", str(number), {}, Shard(arrays), 0.0)
        ratios.append((time.perf_counter() - middle) / (middle - start))
    return float(np.median(ratios)), arrays


def reading(store: Store, arrays: dict[str, NDArray[np.float32]]) -> float:
    """MB of raw maps a second: opening, which compares the whole file with its receipt, and taking piece by piece."""
    start = time.perf_counter()
    for number in range(ROUNDS):
        shard = store.open("maps", str(number))
        for name, array in arrays.items():
            parts = -(-len(array) * array.shape[-1] ** 2 // PIXELS)
            for places in np.array_split(np.arange(len(array)), parts):
                shard.take(name, places)
        shard.close()
    return ROUNDS * size(arrays) / (time.perf_counter() - start) / 1e6


def rules_in(folder: Path) -> Iterator[NDArray[np.float32]]:
    """The maps of two models by each relevance rule in a folder with results."""
    store, seen = Store(folder / "store"), dict[str, int]()
    for receipt in receipts(store):
        method = str(receipt.spec["spec"].get("method", "")) if receipt.kind == "maps" else ""
        if method.startswith(RULES) and seen.setdefault(method, 0) < 2:
            seen[method] += 1
            yield from store.read("maps", receipt.digest).arrays.values()


def entropy(array: NDArray[np.float32]) -> float:
    """Bits a byte: of each value's four bytes apart, that of the upper mantissa given sign and exponent."""
    planes = np.ascontiguousarray(array).view(np.uint8).reshape(-1, 4).astype(np.int64)

    def bits(codes: NDArray[np.int64], count: int) -> float:
        share = np.bincount(codes, minlength=count) / len(codes)
        share = share[share > 0]
        return float(-(share * np.log2(share)).sum())

    joint = bits(planes[:, 3] * 256 + planes[:, 2], 1 << 16)
    return (joint + bits(planes[:, 0], 256) + bits(planes[:, 1], 256)) / 4


def encodings() -> dict[str, dict[str, object]]:
    """Ways to store the same bits."""
    load_filters()
    import hdf5plugin as plugin

    return {
        "shuffle, zstd 1": {"shuffle": True, **plugin.Zstd(clevel=1)},
        "shuffle, zstd 3": {"shuffle": True, **plugin.Zstd(clevel=3)},
        "shuffle, zstd 19": {"shuffle": True, **plugin.Zstd(clevel=19)},
        "bitshuffle, zstd 3": dict(plugin.Bitshuffle(cname="zstd", clevel=3)),
        "blosc2 shuffle, zstd 5": dict(plugin.Blosc2(cname="zstd", clevel=5, filters=plugin.Blosc2.SHUFFLE)),
        f"shuffle, gzip {GZIP_LEVEL}": {"shuffle": True, "compression": "gzip", "compression_opts": GZIP_LEVEL},
    }


def sizes(arrays: list[NDArray[np.float32]], folder: Path) -> dict[str, object]:
    """The share of raw float32 that maps take, and what no code for single bytes can beat."""
    raw = sum(array.nbytes for array in arrays)
    table: dict[str, object] = {}
    for name, filters in encodings().items():
        start = time.perf_counter()
        with h5py.File(folder / "a.h5", "w") as file:
            for number, array in enumerate(arrays):
                first = max(1, CHUNK_BYTES // array[0].nbytes)
                chunks = (min(len(array), first), *array.shape[1:])
                file.create_dataset(str(number), data=array, chunks=chunks, fletcher32=True, **filters)
            kept = sum(one.id.get_storage_size() for one in file.values())
        table[name] = {"share": round(kept / raw, 3), "MB/s": round(raw / (time.perf_counter() - start) / 1e6)}
    bound = sum(array.nbytes * entropy(array) / 8 for array in arrays) / raw
    return {**table, "entropy bound": round(bound, 3), "raw MB": round(raw / 1e6, 1)}


def main(results: Path | None) -> None:
    """Print all of it as JSON."""
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(0)
    images = pictures()
    network = canonicalise(named.build("resnet18", 10, 32).eval(), (3, 32, 32))
    with TemporaryDirectory() as made:
        store = Store(Path(made))
        share, arrays = writing(store, network, images)
        rate = reading(store, arrays)
        rules = [*rules_in(results)] if results else [*explained(network, "lrp_alpha1_beta0", images).values()]
        found = {
            "writing / computing": round(share, 3),
            "reading, MB/s": round(rate),
            "stored maps of relevance rules": sizes(rules, Path(made)),
        }
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
