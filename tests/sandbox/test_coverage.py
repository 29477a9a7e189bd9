"""Every resource type that the program declares has a reviewed row."""

from __future__ import annotations

from sandbox.clouds import PACKAGES
from tests.infra.declared import declared_types


def test_every_declared_type_has_a_reviewed_row():
    reviewed = {kind.token for package in PACKAGES for kind in package.kinds()}
    of_clouds = {t for t in declared_types() if not t.startswith(("skyblend:", "pulumi:"))}
    assert len(of_clouds) > 30
    assert of_clouds <= reviewed


def test_no_two_rows_stand_for_one_type_or_one_kind():
    for package in PACKAGES:
        tokens = [kind.token for kind in package.kinds()]
        assert len(tokens) == len(set(tokens))
