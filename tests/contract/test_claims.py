"""Every registered claim says what it claims, and what would count, before anything is measured."""

from __future__ import annotations

import pytest

from peephole.attributions.methods import resolve
from peephole.claims.base import ERROR, Claim, all_claims, chosen_claims, name_of
from peephole.errors import PeepholeError

ALL = all_claims()


def test_numbers_are_those_that_people_call_them_by() -> None:
    assert [claim.number for claim in ALL] == list(range(1, len(ALL) + 1))


@pytest.mark.parametrize("claim", ALL, ids=name_of)
class TestEach:
    """Facts that tables and pages are made of."""

    def test_texts_are_sentences(self, claim: Claim) -> None:
        for text in (claim.statement, claim.measured, claim.test, *(one.words for one in claim.expectations)):
            assert text == text.strip()
            assert text.endswith(".")
            assert text[0].isupper()
            assert "\n" not in text
        assert not claim.title.endswith(".")
        assert claim.source.startswith(("P1", "P2", "ours"))

    def test_expectations_have_names_of_their_own_and_thresholds_that_can_be_met_and_missed(self, claim: Claim) -> None:
        names = [one.name for one in claim.expectations]
        assert 1 <= len(names) <= 8
        assert len(set(names)) == len(names)
        for one in claim.expectations:
            assert one.effect
            assert one.criterion.side != "within" or one.criterion.threshold > 0
        assert claim.level == 1 - ERROR / len(names)

    def test_methods_are_there_and_each_is_named_once(self, claim: Claim) -> None:
        assert len(set(map(resolve, claim.methods))) == len(claim.methods)

    def test_it_is_found_by_name_and_number(self, claim: Claim) -> None:
        assert [name_of(found) for found in chosen_claims([str(claim.number)])] == [name_of(claim)]
        assert [name_of(found) for found in chosen_claims([name_of(claim).replace("_", "-")])] == [name_of(claim)]

    def test_it_says_what_it_is_in_its_docstring(self, claim: Claim) -> None:
        words = type(claim).__doc__ or ""
        assert len(words) > 30
        assert "own words" not in words


def test_claims_come_by_their_numbers_each_once() -> None:
    assert [claim.number for claim in chosen_claims(["5", "2", name_of(ALL[1])])] == [2, 5]
    assert len(chosen_claims([])) == len(ALL)


@pytest.mark.parametrize("text", ["0", "99", "nonsense", ""])
def test_a_claim_that_does_not_exist_is_refused_with_those_that_do(text: str) -> None:
    with pytest.raises(PeepholeError, match=r"there is no claim '.*'; there are: 1 layer_trends, 2 "):
        chosen_claims([text])
