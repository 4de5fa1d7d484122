import json

from evokit.facts import ReportFacts
from evokit_optimizers import evokit_report_sections
from evokit_optimizers.report import rule_section
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule_json import rule_to_json
from evokit_optimizers.rules.scheduled import SCHEDULED


def facts(genome, best):
    return ReportFacts(None, {"genome": {"name": genome}, "fitness": {"name": "any"}}, {"best": best})


def test_a_rule_is_shown_by_its_learning_rate():
    (figure,) = rule_section(rule_to_json(SCHEDULED["adamw_scheduled"]), 50).figures
    assert figure.title == "Learning rate over a training"
    assert figure.legend == ()


def test_groups_with_rates_of_their_own_have_curves_of_their_own():
    (figure,) = rule_section(rule_to_json(KNOWN["muon"]), 50).figures
    assert {name for _, name in figure.legend} == {"hidden", "first, last, vectors"}


def test_only_champions_that_are_rules_have_a_section():
    best = {"genes": json.loads(json.dumps(rule_to_json(KNOWN["adam"])))}
    for name in ("optimizer", "optimizers:optimizer"):
        (section,) = evokit_report_sections(facts(name, best))
        assert section.title == "The evolved rule"
    assert evokit_report_sections(facts("crystalline", best)) == []
    assert evokit_report_sections(facts("optimizer", None)) == []
