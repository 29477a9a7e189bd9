"""What Azure refuses, asked for by somebody else's program through the real engine."""

from __future__ import annotations

import pytest

from tests.sandbox.azure_foreign import REASONS, program
from tests.sandbox.foreign import Outcome, run_foreign


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return run_foreign(program)


@pytest.mark.parametrize("name", REASONS)
def test_azure_says_no_with_its_reason(outcome: Outcome, name: str):
    assert REASONS[name] in outcome.refused.get(name, "created")


def test_the_rest_of_the_program_is_built(outcome: Outcome):
    assert outcome.refused.keys() - {"foreign-test"} == REASONS.keys()
    good = {
        "group",
        "address",
        "net",
        "sub",
        "balancer",
        "basic",
        "nodes",
        "fallback",
        "front",
        "door",
        "full",
        "hollow",
    }
    assert good | {"first", "all"} <= outcome.created
    assert outcome.warnings == []
