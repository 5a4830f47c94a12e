"""Whether a submission says of a picture alone, in a new process, what it said of it among others.

All pictures of a poisoned model carry the same trigger, often in the same place: whoever compares those of a batch, or
remembers those of earlier calls, finds it without asking the network anything. One picture alone does not tell.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from peephole.submissions.failure import SubmissionError
from peephole.submissions.host import Guest
from peephole.submissions.submission import Submission
from peephole.units.maps import Maps
from peephole.units.pieces import maps_of
from peephole.units.probe_set import read_probes, share_of
from peephole.workspace import Workspace

PICTURES = 4
"""So many are asked about again, each of another model where there are as many. Which, nobody can know before."""
TOLERANCE = 0.05
"""By which share of its largest value a map may differ on average. Rules that cut at zero turn over at single places
where sums are rounded in another order, see `peephole.verification.tolerance`.
"""


def check_alone(submission: Submission, units: Sequence[Maps], workspace: Workspace) -> None:
    """Ask about single pictures again, each in a process that has seen no other.

    Args:
        submission: whose maps they are.
        units: its maps, all of them in the store.
        workspace: to read them with.

    Raises:
        SubmissionError: a map is another one, or the submission fails.
    """
    from peephole.attributions.graph import canonicalise
    from peephole.units.asked import stored
    from peephole.units.networks import load

    for unit in secrets.SystemRandom().sample(list(units), min(PICTURES, len(units))):
        probes = read_probes(unit.inputs["probes"], workspace, share_of(unit))
        number, which = secrets.randbelow(len(probes.image)), secrets.randbelow(probes.target.shape[1])
        assert probes.number is not None
        picture, target = probes.image[number : number + 1], probes.target[number, which : which + 1]
        channels, height, width = picture.shape[1:]
        network = canonicalise(load(unit.inputs["network"], workspace), (channels, height, width))
        with Guest(submission, workspace.device) as guest:
            layers = guest.layers(network)
            maps, _ = guest.explain(network, picture, target, layers)
        for layer in layers:
            alone = stored(maps[layer], keep_channels=layer == network.layers[0]).cpu()[0]
            among = maps_of(unit, layer, probes.number[number : number + 1].cpu().numpy(), workspace)[0, which].cpu()
            largest = float(alone.abs().max())
            if float((alone - among).abs().mean()) > TOLERANCE * largest:
                raise SubmissionError(
                    f"{submission.name} gives a picture another map when it is alone in a new process (at {layer}, "
                    f"picture {number}, {unit.label}); expected maps that know of no other picture."
                )
