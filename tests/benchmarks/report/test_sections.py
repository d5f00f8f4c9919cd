from benchmarks.registry import SCENARIOS
from benchmarks.report.sections import SECTIONS


def test_every_section_is_a_scenario_and_has_a_plot_of_its_own_if_any() -> None:
    names = [section.scenario for section in SECTIONS]
    plots = [section.plot for section in SECTIONS if section.plot]

    assert set(names) <= set(SCENARIOS)
    assert len(set(names)) == len(names)
    assert len(set(plots)) == len(plots)


def test_what_is_quick_only_for_some_systems_names_systems_it_measures() -> None:
    for section in SECTIONS:
        assert {*section.quick_systems} <= {*SCENARIOS[section.scenario].usual}


def test_a_full_report_rests_on_three_rounds_at_least_but_for_the_soak() -> None:
    assert [section.scenario for section in SECTIONS if section.full.rounds < 3] == ["soak"]
