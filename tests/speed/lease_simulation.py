"""A thousand workers on one store: how much work leases let be done twice. Prints a table.

Time is simulated, the leases and their files are real. Workers are on machines of their own, whose clocks are off by
minutes; they die without a word, and are stopped for longer or shorter than the expiry. Each takes any of the first
units of the plan that are not done, as workers do that nobody coordinates.

python tests/speed/lease_simulation.py [units] [workers] [seed]
"""

from __future__ import annotations

import heapq
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from peephole.store.lease import Lease
from peephole.store.leases import EXPIRY, HEARTBEAT, Leases
from peephole.store.owner import Owner

MEDIAN, SPREAD = 60.0, 1.0
"""Seconds of a unit, log-normally distributed."""
CLOCKS_OFF = 300.0
"""Seconds, either way."""
WINDOW = 4
"""Workers choose among so many times their number of units."""
PATIENCE = (1.0, 64.0)
"""Seconds until one that was refused looks again: first, and after many times."""


@dataclass
class Worker:
    """A process at work on one unit at most."""

    leases: Leases
    off: float
    unit: int | None = None
    lease: Lease | None = None
    end: float = 0.0
    stopped_until: float = 0.0
    patience: float = PATIENCE[0]
    is_dead: bool = False


@dataclass
class Tally:
    """What happened."""

    computed: Counter[int] = field(default_factory=Counter)
    work: float = 0.0
    twice: float = 0.0
    twice_without_stop: int = 0
    lost: float = 0.0
    waited: float = 0.0
    refused: int = 0
    deaths: int = 0
    stops: int = 0
    long_stops: int = 0


class Simulation:
    """Also the clock of the file system.

    Args:
        folder: of the leases, empty.
        units, workers: how many.
        seed: of all that is random.
        deaths, stops: an hour of a worker.
        longest: seconds of a stop at most; half of them are longer than half of it.
    """

    def __init__(
        self, folder: Path, units: int, workers: int, seed: int, deaths: float, stops: float, longest: float
    ) -> None:
        self.draws = random.Random(seed)
        self.seconds = [self.draws.lognormvariate(0, SPREAD) * MEDIAN for _ in range(units)]
        self.rates, self.longest = (deaths / 3600, stops / 3600), longest
        self.folder, self.time, self.real = folder, 1e6, time.time
        self.tally, self.left = Tally(), list(range(units))
        self.late: set[int] = set()
        self.window = WINDOW * workers
        self.ticket = count()
        self.events: list[tuple[float, int, str, Worker]] = []
        for number in range(workers):
            self.hire(number)

    def now(self) -> float:
        """The file system's time."""
        return self.time

    def changed(self, path: Path) -> float:
        """When a file was last written, by the same."""
        return path.stat().st_mtime

    def hire(self, number: int) -> None:
        """A worker on a machine of its own."""
        owner = Owner(f"node{number}", f"machine {number}", number, 0.0, f"worker {next(self.ticket)}")
        worker = Worker(
            Leases(self.folder, heartbeat=None, clock=self, owner=owner), self.draws.uniform(-CLOCKS_OFF, CLOCKS_OFF)
        )
        self.at(self.draws.random(), "look", worker)
        for rate, what in zip(self.rates, ("die", "stop"), strict=True):
            if rate:
                self.at(self.draws.expovariate(rate), what, worker)

    def at(self, delay: float, what: str, worker: Worker) -> None:
        """Something is to happen."""
        heapq.heappush(self.events, (self.time + delay, next(self.ticket), what, worker))

    def run(self) -> Tally:
        """Until all units are done."""
        while self.left:
            self.time, _, what, worker = heapq.heappop(self.events)
            if worker.is_dead:
                continue
            if what not in ("die", "wake") and self.time < worker.stopped_until:
                self.at(worker.stopped_until - self.time, what, worker)
            else:
                getattr(self, what)(worker)
        return self.tally

    def look(self, worker: Worker) -> None:
        """Take any of the first units, or wait a second."""
        unit = self.left[self.draws.randrange(min(self.window, len(self.left)))]
        time.time = lambda: self.time + worker.off
        try:
            lease = worker.leases.take(f"{unit:032x}"[::-1])
        finally:
            time.time = self.real
        if lease is None:
            self.tally.refused += 1
            self.tally.waited += worker.patience
            self.at(worker.patience, "look", worker)
            worker.patience = min(2 * worker.patience, PATIENCE[1])
            return
        worker.patience = PATIENCE[0]
        self.stamp(lease)
        worker.unit, worker.lease, worker.end = unit, lease, self.time + self.seconds[unit]
        self.at(HEARTBEAT, "beat", worker)
        self.at(self.seconds[unit], "finish", worker)

    def beat(self, worker: Worker) -> None:
        """As the heart does, until the unit is done."""
        if worker.lease is not None and worker.lease.is_mine:
            worker.lease.beat()
            self.stamp(worker.lease)
            self.at(HEARTBEAT, "beat", worker)

    def finish(self, worker: Worker) -> None:
        """The result is stored; then the lease goes."""
        unit, lease = worker.unit, worker.lease
        assert unit is not None
        assert lease is not None
        if self.time < worker.end:
            self.at(worker.end - self.time, "finish", worker)
            return
        tally = self.tally
        tally.work += self.seconds[unit]
        tally.computed[unit] += 1
        if tally.computed[unit] > 1:
            tally.twice += self.seconds[unit]
            tally.twice_without_stop += unit not in self.late
        else:
            self.left.remove(unit)
        if lease.is_mine:
            lease.release()
        worker.unit = worker.lease = None
        self.at(0.0, "look", worker)

    def die(self, worker: Worker) -> None:
        """Without a word; another takes its place a minute later."""
        worker.is_dead = True
        self.tally.deaths += 1
        if worker.unit is not None:
            self.tally.lost += self.seconds[worker.unit] - max(0.0, worker.end - self.time)
        self.hire(next(self.ticket))

    def stop(self, worker: Worker) -> None:
        """For a while nothing of it moves, its heart least."""
        length = self.longest * self.draws.random()
        self.tally.stops += 1
        if length > EXPIRY - HEARTBEAT:  # the last beat may have been that long ago
            self.tally.long_stops += 1
            if worker.unit is not None:
                self.late.add(worker.unit)
        worker.stopped_until = self.time + length
        worker.end += length
        self.at(length + self.draws.expovariate(self.rates[1]), "stop", worker)

    def stamp(self, lease: Lease) -> None:
        """A file gets the time of the simulation."""
        os.utime(lease.path, (self.time, self.time))


def main(units: int, workers: int, seed: int) -> None:
    """Four worlds, from kind to rough; those in which nothing is done twice with a tenth of the units and workers."""
    worlds = {
        "nothing happens": (10, 0.0, 0.0, 0.0),
        "deaths": (10, 2.0, 0.0, 0.0),
        f"deaths, stops < {EXPIRY - HEARTBEAT:.0f} s": (10, 2.0, 2.0, EXPIRY - HEARTBEAT),
        "deaths, stops < 600 s": (1, 2.0, 2.0, 600.0),
    }
    print(
        f"{units} units of {MEDIAN:.0f} s (log-normal), {workers} workers, clocks {CLOCKS_OFF:.0f} s off, seed {seed}"
    )
    print(f"{'':26}{'done':>7}{'deaths':>8}{'stops':>7}{'long':>6}{'twice':>7}{'unexplained':>13}", end="")
    print(f"{'twice/work':>12}{'lost/work':>11}{'waiting':>9}{'real s':>8}")
    for name, (part, *rates) in worlds.items():
        start = time.perf_counter()
        with TemporaryDirectory() as folder:
            tally = Simulation(Path(folder), units // part, workers // part, seed, *rates).run()
        twice = sum(times - 1 for times in tally.computed.values())
        print(f"{name:26}{len(tally.computed):7}{tally.deaths:8}{tally.stops:7}{tally.long_stops:6}{twice:7}", end="")
        print(f"{tally.twice_without_stop:13}{tally.twice / tally.work:12.2%}{tally.lost / tally.work:11.2%}", end="")
        print(f"{tally.waited / (tally.waited + tally.work):9.2%}{time.perf_counter() - start:8.1f}")


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]]
    main(*given, *(20_000, 1_000, 0)[len(given) :])
