"""Field maps say where each input goes, both ways, and never drop one silently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.fields import UNKNOWN, backward, forward, many, member, nested
from sandbox.refusal import Unmapped

MAP = {
    "name": member("Name"),
    "size": member("Capacity.Desired", to=str, back=int),
    "template": nested("Template", {"id": member("Id"), "version": member("Version")}),
    "flat": nested("", {"inner": member("Inner")}),
    "rules": many("Rules", {"port": member("Port")}),
    "tags": member("Tags"),
}
INPUTS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.text(min_size=1),
        "size": st.integers(0, 99),
        "template": st.fixed_dictionaries({"id": st.text(min_size=1)}, optional={"version": st.text(min_size=1)}),
        "flat": st.fixed_dictionaries({"inner": st.integers()}),
        "rules": st.lists(st.fixed_dictionaries({"port": st.integers()})),
        "tags": st.dictionaries(st.text(), st.text()),
    },
)  # fmt: skip


@given(INPUTS)
def test_what_goes_to_the_api_comes_back_as_it_was(inputs):
    assert backward(MAP, forward(MAP, inputs)) == inputs


def test_an_input_that_the_map_does_not_name_is_refused_with_its_path():
    with pytest.raises(Unmapped, match=r"rules\[1\]\.colour"):
        forward(MAP, {"rules": [{"port": 1}, {"port": 2, "colour": "red"}]})


def test_two_inputs_may_share_an_object_of_the_api():
    fields = {"low": member("Range.From"), "high": member("Range.To")}
    assert forward(fields, {"low": 1, "high": 2}) == {"Range": {"From": 1, "To": 2}}


def test_a_value_that_preview_cannot_know_passes_unconverted():
    assert forward(MAP, {"size": UNKNOWN, "template": UNKNOWN}) == {
        "Capacity": {"Desired": UNKNOWN},
        "Template": UNKNOWN,
    }
