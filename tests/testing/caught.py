"""What a kit says of a broken component."""

import pytest


def refused(test, rule, evidence, name=""):
    """The test fails with this rule and this evidence, tells the place and the remedy, and calls the component so."""
    with pytest.raises(AssertionError) as caught:
        test()
    head, found, where, what = str(caught.value).splitlines()
    assert head.endswith(" breaks a rule")
    assert head.startswith(name)
    assert found.startswith(f"{rule}: ")
    assert evidence in found
    assert where.startswith("  where: ")
    assert what.startswith("  remedy: ")
    return where


def broken_rules(test):
    """The rules that a parametrized test of broken components names."""
    (marks,) = test.pytestmark
    return {case[1] for case in marks.args[1]}
