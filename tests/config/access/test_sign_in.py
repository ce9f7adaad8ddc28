"""The settings of sign-ins: which roles need a second factor, and how long a sign-in lasts."""

import pytest

from config.access.sign_in import NEED_SECOND_FACTOR, SignInRules
from config.settings import Settings, SettingsError


class TestSecondFactors:
    @pytest.mark.parametrize("role", NEED_SECOND_FACTOR)
    def test_are_needed_by_those_who_decide_and_watch_recordings(self, tmp_path, role):
        assert Settings(data_dir=tmp_path).needs_second_factor(role)

    @pytest.mark.parametrize("role", ["supervisor", "clerk"])
    def test_are_up_to_supervisors_and_clerks_where_the_settings_do_not_say_otherwise(self, tmp_path, role):
        assert not Settings(data_dir=tmp_path).needs_second_factor(role)
        rules = SignInRules(second_factor_roles=(*NEED_SECOND_FACTOR, role))
        assert Settings(data_dir=tmp_path, sign_in=rules).needs_second_factor(role)

    def test_are_offered_in_a_demonstration(self, tmp_path):
        assert not Settings(data_dir=tmp_path, demo=True).needs_second_factor("admin")
        rules = SignInRules(second_factor="required")
        assert Settings(data_dir=tmp_path, demo=True, sign_in=rules).needs_second_factor("admin")

    def test_cannot_be_switched_off_in_an_installation(self, tmp_path):
        file = tmp_path / "huijian.toml"
        file.write_text('[sign_in]\nsecond_factor = "offered"\n')
        with pytest.raises(SettingsError, match="next sign-in"):
            Settings.load(file, data_dir=tmp_path)
        file.write_text('[sign_in]\nsecond_factor_roles = ["auditor"]\n')
        with pytest.raises(SettingsError, match="approver, procurator, admin"):
            Settings.load(file, data_dir=tmp_path)


class TestHours:
    def test_are_one_duty_for_supervisors_and_fewer_for_those_who_see_more(self):
        rules = SignInRules()
        assert [rules.hours_of(role) for role in ("supervisor", "clerk", "auditor", "admin")] == [12, 12, 10, 10]
        assert [rules.idle_seconds_of(role) for role in ("supervisor", "clerk", "auditor")] == [0, 3600, 1800]

    def test_are_set_by_role_in_the_file(self, tmp_path):
        file = tmp_path / "huijian.toml"
        file.write_text("[sign_in.hours]\nauditor = 4\n[sign_in.idle_minutes]\nauditor = 5\n")
        rules = Settings.load(file, data_dir=tmp_path).sign_in
        assert (rules.hours_of("auditor"), rules.idle_seconds_of("auditor")) == (4, 300)

    @pytest.mark.parametrize(
        "wrong", ["[sign_in.hours]\nauditor = 25", "[sign_in.hours]\nking = 4", "[sign_in.idle_minutes]\nadmin = 900"]
    )
    def test_beyond_a_day_or_for_no_role_are_refused(self, tmp_path, wrong):
        file = tmp_path / "huijian.toml"
        file.write_text(wrong)
        with pytest.raises(SettingsError, match="sign_in"):
            Settings.load(file, data_dir=tmp_path)
