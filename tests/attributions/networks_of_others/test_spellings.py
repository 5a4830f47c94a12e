"""Whatever way a network is written, equal outputs have equal maps, by every rule, or the same refusal."""

import functools

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from .rules import TARGET, answers, differences, pictures
from .spellings import KINDS, PLAIN, Written

SINGLE = [(kind, name) for kind, spellings in KINDS.items() for name in spellings if name != PLAIN[kind]]
SEED = 5


@functools.cache
def usual(seed):
    return answers(Written(seed), pictures(), TARGET)


@pytest.mark.parametrize(("kind", "name"), SINGLE, ids=[f"{kind}: {name}" for kind, name in SINGLE])
def test_one_operation_in_another_spelling(kind, name):
    network = Written(SEED, **{kind: name})
    x = pictures()
    assert torch.allclose(network(x), Written(SEED)(x), rtol=1e-12, atol=1e-12)
    assert differences(usual(SEED), answers(network, x, TARGET)) == {}


def test_the_rules_say_something_on_the_plain_network():
    """Otherwise equal answers would say nothing."""
    maps = {rule: value for rule, value in usual(SEED).items() if not isinstance(value, str)}
    assert set(maps) == set(usual(SEED))
    assert all(value.any() and value.isfinite().all() for value in maps.values())


spelt = st.fixed_dictionaries({kind: st.sampled_from(sorted(spellings)) for kind, spellings in KINDS.items()})


@settings(deadline=None, max_examples=12, phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink))
@given(spellings=spelt, seed=st.sampled_from([0, 1, 2]))
def test_a_network_of_random_spellings(spellings, seed):
    assert differences(usual(seed), answers(Written(seed, **spellings), pictures(), TARGET)) == {}
