"""The packs that come with Huijian, against the texts of the two regulations."""

import re
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest

from config.articles.grounds import By, EndReason, Issuer, Phase
from config.check_in import CHECK_IN_RULES, Consequence, Tick
from config.extension import EXTENSION_RULES, Until
from config.law import LAWS
from config.pack_loader import PackError, load_pack, packs
from config.policy import RULES, LooserThanLaw
from config.suspension import SUSPENSION_RULES, Verdict

_TOLD_YN = 'article = "云南 第十二条、远程视频会见须知"'
_TOLD_GD = 'article = "广东 第二十四条、附件承诺书"'
_DIALECT_NO = 'value = false\narticle = "云南 第二十三条"'


class TestEveryPack:
    @pytest.mark.parametrize("name", packs())
    def test_each_value_cites_an_article_or_a_decision_of_the_owner(self, name):
        policy = load_pack(name)
        assert set(policy.articles) == set(RULES)
        assert set(policy.check_in.articles) == set(CHECK_IN_RULES)
        assert set(policy.extension.articles) == set(EXTENSION_RULES)
        cited = [*policy.articles.values(), *policy.check_in.articles.values(), *policy.extension.articles.values()]
        assert all("第" in text or text.startswith("业主决定") for text in cited)

    @pytest.mark.parametrize("name", packs())
    def test_each_ground_has_words_in_both_languages(self, name):
        for ground in load_pack(name).interventions:
            assert ground.title_zh and ground.title_en and ground.article

    def test_only_the_demonstration_pack_is_marked_as_one(self):
        assert {name for name in packs() if load_pack(name).demo} == {"demo"}


class TestYunnan:
    def test_the_numbers_are_those_of_the_articles(self):
        policy = load_pack("yunnan")
        assert policy.hard_limit == timedelta(minutes=30)  # 14
        assert policy.max_visitors == 3  # 14
        assert policy.min_supervisors == 2  # 25
        assert policy.retention_months == 6  # 13
        assert policy.check_in_lead == timedelta(minutes=30)  # 10

    def test_grounds_of_article_16_are_graded_and_never_suspend(self):
        for number in range(1, 8):
            ground = load_pack("yunnan").intervention(f"YN-16-{number}")
            assert ground and ground.may_warn and not ground.must_end and not ground.may_suspend

    @pytest.mark.parametrize("number", range(1, 11))
    def test_grounds_of_article_17_stop_and_only_6_to_9_suspend(self, number):
        ground = load_pack("yunnan").intervention(f"YN-17-{number}")
        assert ground and ground.must_end and not ground.may_warn and ground.may_hold
        assert ground.may_suspend == (6 <= number <= 9)


class TestGuangdong:
    def test_numbers_the_regulation_leaves_open_are_called_the_owners(self):
        policy = load_pack("guangdong")
        assert policy.max_visitors == 7
        assert policy.min_supervisors == 2
        assert policy.retention_months == 6
        assert policy.articles["min_supervisors"].startswith("业主决定")
        assert policy.articles["retention_months"].startswith("业主决定")
        assert policy.articles["max_visitors"] == "广东 第十一条"

    @pytest.mark.parametrize("number", range(1, 6))
    def test_grounds_of_article_29_stop_at_once_and_may_suspend(self, number):
        ground = load_pack("guangdong").intervention(f"GD-29-{number}")
        assert ground and ground.must_end and not ground.may_warn and ground.may_suspend

    def test_article_25_has_nine_grounds_and_no_tenth(self):
        policy = load_pack("guangdong")
        assert all(policy.intervention(f"GD-25-{number}") for number in range(1, 10))
        assert policy.intervention("GD-25-10") is None


TEXTS = tomllib.loads((Path(__file__).parent / "regulations.toml").read_text("utf-8"))
NOTICES = [("yunnan", "dont"), ("demo", "dont"), ("guangdong", "pledge")]


class TestOwnWords:
    """Grounds and notices in the regulations' own words, character by character."""

    @pytest.mark.parametrize(
        ("name", "article", "prefix"),
        [
            ("yunnan", "16", "YN-16-"),
            ("yunnan", "17", "YN-17-"),
            ("demo", "16", "YN-16-"),
            ("demo", "17", "YN-17-"),
            ("guangdong", "25", "GD-25-"),
            ("guangdong", "29", "GD-29-"),
        ],
    )
    def test_each_item_of_an_article_is_a_ground_word_for_word(self, name, article, prefix):
        items = TEXTS["yunnan" if name == "demo" else name][article]
        titles = {
            ground.code: ground.title_zh for ground in load_pack(name).interventions if ground.code.startswith(prefix)
        }
        assert titles == {f"{prefix}{number}": item.rstrip("；。") for number, item in enumerate(items, 1)}

    def test_of_articles_18_and_36_the_case_is_the_ground_and_the_rest_the_measure(self):
        assert TEXTS["yunnan"]["18"] == [
            load_pack("yunnan").intervention("YN-18").title_zh + "，应当另行优先安排会见。"
        ]
        whole, *causes = TEXTS["guangdong"]["36"]
        policy = load_pack("guangdong")
        assert whole == policy.intervention("GD-36").title_zh + "，应当及时发布公告，并报省司法厅备案。"
        for number, cause in enumerate(causes, 1):
            assert cause.startswith(policy.intervention(f"GD-36-{number}").title_zh + "，由")

    @pytest.mark.parametrize(("name", "what"), NOTICES)
    def test_the_ten_donts_and_the_eight_points_are_complete(self, name, what):
        quoted = TEXTS["yunnan" if name == "demo" else name][what]
        assert len(quoted) == {"dont": 10, "pledge": 8}[what]
        texts = [one for one in load_pack(name).warnings if one.id.startswith(f"{what}-")]
        assert [one.zh for one in texts] == quoted
        assert [one.id for one in texts] == [f"{what}-{number}" for number in range(1, len(quoted) + 1)]

    @pytest.mark.parametrize(("name", "what"), NOTICES)
    def test_the_text_that_rooms_acknowledge_is_the_notice_or_the_letter_as_a_whole(self, name, what):
        text, quoted = load_pack(name).rules_text, TEXTS["yunnan" if name == "demo" else name]
        assert [text.title_zh, text.lead_zh] == quoted[{"dont": "notice", "pledge": "letter"}[what]]
        assert [point.zh for point in text.points] == quoted[what]
        same = {canned.id: canned.en for canned in load_pack(name).warnings}
        assert all(point.en == same[point.id] for point in text.points)

    @pytest.mark.parametrize(
        ("old", "new", "why"),
        [
            ('title = ["远程视频会见须知"', 'title = ["会见须知"', "heading"),
            ("自觉遵守“十不准”规定：", "遵守“十不准”规定：", "heading"),
            ('["dont-1", "不准谈论案情，进行串供、通风报信；",', '["dont-1", "不准谈论案情；",', "own words"),
            ('["dont-9", "不准', '["dont-8b", "不准', "dont-9 are missing"),
        ],
    )
    def test_a_pack_that_tells_the_rooms_something_else_is_refused(self, tmp_path, old, new, why):
        with pytest.raises(LooserThanLaw, match=why):
            load_pack(_own(tmp_path, "yunnan", old, new))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('zh = "yunnan-notice.zh.ogg"', 'zh = "../secret.ogg"'),
            ('zh = "yunnan-notice.zh.ogg"', 'zh = "/etc/passwd"'),
            ('zh = "yunnan-notice.zh.ogg"', 'zh = "notice.exe"'),
            ('zh = "yunnan-notice.zh.ogg"', "zh = 1"),
            ('zh = "yunnan-notice.zh.ogg"', '"zh/en" = "notice.ogg"'),
            ('title = ["远程视频会见须知", ', "title = ["),
            ('id = "yunnan-notice"', 'id = "Notice 1"'),
            ('id = "yunnan-notice"\n', ""),
        ],
    )
    def test_a_text_or_recording_of_the_wrong_shape_is_refused(self, tmp_path, old, new):
        with pytest.raises(PackError, match="rules_text"):
            load_pack(_own(tmp_path, "yunnan", old, new))

    @pytest.mark.parametrize("name", packs())
    def test_a_pack_of_a_former_version_takes_the_text_of_its_law(self, tmp_path, name):
        text = re.sub(r"\[rules_text\].*?(?=\n# 预约)", "", _text(name), flags=re.DOTALL)
        text = re.sub(r"\[check_in.acknowledgement\].*?\n\n", "", text, flags=re.DOTALL)
        assert "rules_text" not in text and "acknowledgement" not in text
        (tmp_path / "own.toml").write_text(text, "utf-8")
        own = load_pack(tmp_path / "own.toml")
        assert own.rules_text == load_pack(name).rules_text and own.check_in.acknowledgement

    @pytest.mark.parametrize("name", packs())
    def test_unmannerly_is_not_called_indecent(self, name):
        """The words 举止不文明 of Guangdong 25(3) speak of manners."""
        policy = load_pack(name)
        english = [ground.title_en for ground in policy.interventions] + [text.en for text in policy.warnings]
        assert not any("indecent" in text or "decency" in text for text in english)

    @pytest.mark.parametrize(("name", "id"), [("yunnan", "dont-3"), ("guangdong", "pledge-5")])
    def test_a_pack_that_shortens_them_is_refused(self, tmp_path, name, id):
        zh = load_pack(name).canned(id).zh
        for line in [line for line in _text(name).splitlines() if f'["{id}"' in line]:
            with pytest.raises(LooserThanLaw, match="own words"):
                load_pack(_own(tmp_path, name, line, line.replace(zh, zh[:-9])))

    @pytest.mark.parametrize(("name", "id"), [("yunnan", "dont-4"), ("guangdong", "pledge-8"), ("yunnan", "dont-10")])
    def test_a_pack_that_leaves_one_out_is_refused(self, tmp_path, name, id):
        """Each stands twice: among the words of warnings, and in the text that the rooms acknowledge."""
        lines = [line for line in _text(name).splitlines(keepends=True) if f'["{id}"' in line]
        assert len(lines) == 2
        for line in lines:
            with pytest.raises(LooserThanLaw, match=f"{id} are missing"):
                load_pack(_own(tmp_path, name, line, ""))

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("yunnan", "携带可能危害会见场所安全的管制", "携带管制"),
            ("yunnan", "谈论案情，涉嫌串供、通风报信的", "谈论案情"),
            ("guangdong", "大声喧哗、举止不文明，经工作人员劝阻不予改正的", "大声喧哗"),
            ("guangdong", "网络、设备故障或其他原因的", "其他原因的"),
        ],
    )
    def test_a_pack_that_shortens_a_ground_is_refused(self, tmp_path, name, old, new):
        with pytest.raises(LooserThanLaw, match="own words"):
            load_pack(_own(tmp_path, name, old, new))

    def test_a_ground_stands_under_its_own_article(self, tmp_path):
        head = 'article = "云南 第十七条"\nmay_warn'
        with pytest.raises(LooserThanLaw, match="YN-17-1 stands under"):
            load_pack(_own(tmp_path, "yunnan", head, head.replace("七", "六")))

    def test_a_first_warning_under_a_ground_that_suspends_is_no_dissuasion_of_its_own(self, tmp_path):
        with pytest.raises(LooserThanLaw, match="no dissuasion"):
            load_pack(_own(tmp_path, "guangdong", '"GD-25-3" = ["WARN-CONDUCT"]', '"GD-25-3" = ["GD-25-3"]'))


class TestFiles:
    """Files as editors write them: what cannot be read is an error of the pack, in words that say what to do."""

    @pytest.mark.parametrize("encoding", ["gb18030", "utf-16"])
    def test_another_encoding_is_named(self, tmp_path, encoding):
        path = tmp_path / "own.toml"
        path.write_text(_text("yunnan"), encoding)
        with pytest.raises(PackError, match="save it as UTF-8"):
            load_pack(path)

    def test_the_mark_that_editors_of_windows_write_ahead_does_no_harm(self, tmp_path):
        path = tmp_path / "own.toml"
        path.write_text(_text("yunnan"), "utf-8-sig")
        assert load_pack(path).law == "yunnan"

    @pytest.mark.parametrize("number", [10**15, -(10**15), 10**30])
    def test_a_number_that_no_clock_counts_is_an_error_of_the_pack(self, tmp_path, number):
        with pytest.raises(PackError, match="hold_grace"):
            load_pack(_own(tmp_path, "yunnan", "value = 180", f"value = {number}"))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('law = "yunnan"', 'law = "yunnan"\ndemo = "no"'),
            ('version = "2023-05-04.3"', "version = 3"),
            ('"the prisoner refuses the visit"', "17"),
            ('"the prisoner refuses the visit"', '" "'),
        ],
    )
    def test_what_is_no_text_and_no_truth_is_refused(self, tmp_path, old, new):
        with pytest.raises(PackError):
            load_pack(_own(tmp_path, "yunnan", old, new))


class TestFiling:
    """Under which grounds the don'ts and the points of the letter stand: an officer who uses one picks among these, and
    under a ground that demands the end it closes nothing."""

    @pytest.mark.parametrize(
        ("number", "codes"),
        [
            (1, ["YN-17-8"]),
            (2, ["YN-17-7"]),
            (3, ["YN-17-6", "YN-16-3"]),
            (4, ["YN-16-2"]),
            (5, ["YN-16-1"]),
            (6, ["YN-16-1", "YN-16-7"]),
            (7, ["YN-17-9", "YN-16-6"]),
            (8, ["YN-16-7", "YN-17-10"]),
            (9, ["YN-16-7"]),
            (10, ["YN-16-7", "YN-17-10"]),
        ],
    )
    @pytest.mark.parametrize("name", ["yunnan", "demo"])
    def test_of_the_ten_donts(self, name, number, codes):
        assert list(load_pack(name).canned(f"dont-{number}").codes) == codes

    @pytest.mark.parametrize(
        ("id", "codes"),
        [
            ("pledge-1", ["WARN-RULES", "GD-29-5"]),
            ("pledge-2", ["WARN-CONDUCT", "GD-25-3"]),
            ("pledge-3", ["GD-29-1", "GD-25-2"]),
            ("pledge-4", ["GD-25-7", "GD-29-5"]),
            ("pledge-5", ["GD-29-3"]),
            ("pledge-6", ["GD-29-4"]),
            ("pledge-7", ["WARN-RULES"]),
            ("pledge-8", ["WARN-RULES"]),
            ("stop-2", ["WARN-SPEECH"]),
        ],
    )
    def test_of_the_letter(self, id, codes):
        assert list(load_pack("guangdong").canned(id).codes) == codes

    def test_guangdong_has_words_for_each_ground_that_stops_a_visit(self):
        policy = load_pack("guangdong")
        for number in (1, 3, 4, 5):
            assert policy.canned(f"stop-{number}").codes == (f"GD-29-{number}",)

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("yunnan", '["dont-1", ["YN-17-8"]', '["dont-1", ["YN-16-5"]'),
            ("yunnan", '["dont-1", ["YN-17-8"]', '["dont-1", "YN-16-5"'),
            ("yunnan", '["dont-3", ["YN-17-6", "YN-16-3"]', '["dont-3", ["YN-16-3"]'),
            ("yunnan", '["dont-7", ["YN-17-9", "YN-16-6"]', '["insult", ["YN-16-6"]'),
            ("guangdong", '["pledge-5", ["GD-29-3"]', '["pledge-5", ["WARN-RULES"]'),
            ("guangdong", '["pledge-2", ["WARN-CONDUCT", "GD-25-3"]', '["pledge-2", ["GD-25-3"]'),
        ],
    )
    def test_cannot_be_another_one(self, tmp_path, name, old, new):
        with pytest.raises(LooserThanLaw, match="stands under"):
            load_pack(_own(tmp_path, name, old, new))

    def test_under_an_unknown_ground_is_refused(self, tmp_path):
        with pytest.raises(LooserThanLaw, match="no ground YN-99"):
            load_pack(_own(tmp_path, "yunnan", '["dont-9", ["YN-16-7"]', '["dont-9", ["YN-99"]'))

    @pytest.mark.parametrize("code", ["WARN-SPEECH", "WARN-CONDUCT", "WARN-RULES"])
    def test_a_reminder_punishes_holds_and_ends_nothing(self, code):
        ground = load_pack("guangdong").intervention(code)
        assert ground.may_warn and not (ground.must_end or ground.may_suspend or ground.may_hold)


class TestWhoAndWhen:
    """Guangdong 25 is the county's and for before the visit; three grounds exist only after a dissuasion in vain."""

    def test_article_25_is_the_countys_before_the_visit_and_nothing_else_is(self):
        policy = load_pack("guangdong")
        special = {
            ground.code for ground in policy.interventions if ground.by is By.COUNTY and ground.phase is Phase.BEFORE
        }
        assert special == {f"GD-25-{number}" for number in range(1, 10)}
        assert not any(ground.by or ground.phase for ground in load_pack("yunnan").interventions)

    @pytest.mark.parametrize(
        ("name", "code", "after"),
        [
            ("yunnan", "YN-16-1", ("YN-16-1",)),  # 不配合寄存；经告知仍携带
            ("guangdong", "GD-25-3", ("WARN-CONDUCT",)),  # 经工作人员劝阻不予改正的
            ("guangdong", "GD-29-2", ("WARN-SPEECH",)),  # 不听劝阻的
        ],
    )
    def test_a_ground_that_supposes_a_dissuasion_names_it(self, name, code, after):
        grounds = [ground for ground in load_pack(name).interventions if ground.after]
        assert [ground.after for ground in grounds if ground.code == code] == [after]
        assert all("劝阻" in ground.title_zh or "经告知" in ground.title_zh for ground in grounds)

    @pytest.mark.parametrize(
        ("name", "old", "new"),
        [
            ("guangdong", 'by = "county"', ""),
            ("guangdong", 'phase = "before"', ""),
            ("guangdong", 'after = { "GD-25-3" = ["WARN-CONDUCT"] }', ""),
            ("guangdong", 'after = { "GD-25-3" = ["WARN-CONDUCT"] }', 'after = { "GD-25-3" = ["SAY-GUIDE"] }'),
            ("guangdong", 'after = { "GD-25-3" = ["WARN-CONDUCT"] }', 'after = { "GD-25-3" = ["GD-25-2"] }'),
            ("guangdong", 'after = { "GD-29-2" = ["WARN-SPEECH"] }', 'after = { "GD-29-2" = ["GD-29-2"] }'),
            (
                "guangdong",
                '{ "GD-29-2" = ["WARN-SPEECH"] }',
                '{ "GD-29-2" = ["WARN-SPEECH"], "GD-29-1" = ["WARN-RULES"] }',
            ),
            ("yunnan", 'after = { "YN-16-1" = ["YN-16-1"] }', ""),
            ("yunnan", "must_end = true\nmay_suspend", 'must_end = true\nby = "county"\nmay_suspend'),
        ],
    )
    def test_cannot_be_left_out_or_added(self, tmp_path, name, old, new):
        with pytest.raises(LooserThanLaw):
            load_pack(_own(tmp_path, name, old, new))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('by = "county"', 'by = "anybody"'),
            ('phase = "before"', 'phase = "later"'),
            ('"GD-36-2" = "bureau"', '"GD-36-2" = "weather"'),
            ('"GD-36-2" = "bureau"', '"GD-36-9" = "bureau"'),
        ],
    )
    def test_in_unknown_words_is_refused_in_one_line(self, tmp_path, old, new):
        with pytest.raises(PackError) as refusal:
            load_pack(_own(tmp_path, "guangdong", old, new))
        assert "\n" not in str(refusal.value)


class TestAnnouncers:
    """Guangdong 36: who announces depends on the cause."""

    def test_are_the_unit_the_two_bureaus_and_the_department(self):
        policy = load_pack("guangdong")
        issuers = {ground.code: ground.issuer for ground in policy.interventions if ground.issuer}
        assert issuers == {
            "GD-36": Issuer.UNIT,
            "GD-36-1": Issuer.UNIT,
            "GD-36-2": Issuer.BUREAU,
            "GD-36-3": Issuer.DEPARTMENT,
        }

    @pytest.mark.parametrize("new", ['"GD-36-3" = "unit"', '"GD-36-3" = "bureau"'])
    def test_cannot_be_another_office(self, tmp_path, new):
        with pytest.raises(LooserThanLaw, match="第三十六条"):
            load_pack(_own(tmp_path, "guangdong", '"GD-36-3" = "department"', new))


class TestLongerVisits:
    """Extensions as the articles have them (云南 第十四条：经监狱长批准；广东 第二十二条、第三十一条第二项)."""

    def test_in_yunnan_the_warden_approves_some_before_the_limit(self):
        rules = load_pack("yunnan").extension
        assert (rules.times, rules.role, rules.until) == (1, "approver", Until.LIMIT)
        assert rules.most == timedelta(minutes=15) and rules.articles["most"].startswith("业主决定")
        assert all("第十四条" in rules.articles[rule] for rule in EXTENSION_RULES)

    def test_in_guangdong_none_until_the_owner_decides_otherwise(self):
        rules = load_pack("guangdong").extension
        assert not rules.allowed and rules.until is Until.START
        assert rules.articles["times"].startswith("业主决定")


class TestSuspensions:
    """Suspensions: the prison decides in Yunnan (第十七条); in Guangdong the city approves and the province files
    (第二十五条、第二十九条)."""

    @pytest.mark.parametrize("name", packs())
    def test_last_one_to_three_months(self, name):
        rules = load_pack(name).suspension
        assert (rules.least, rules.most) == (1, 3) and set(rules.articles) == set(SUSPENSION_RULES)

    def test_in_yunnan_the_prison_decides_on_the_prisoners_visits(self):
        rules = load_pack("yunnan").suspension
        assert rules.subject == "prison"
        assert [(one.verdict, one.role, one.kinds) for one in rules.steps] == [
            (Verdict.APPROVE, "approver", ("prison", "rehab"))
        ]

    def test_in_guangdong_the_city_approves_and_the_province_files_the_visitors(self):
        rules = load_pack("guangdong").suspension
        assert rules.subject == "visitor"
        assert [(one.verdict, one.kinds) for one in rules.steps] == [
            (Verdict.APPROVE, ("city",)),
            (Verdict.FILE, ("province",)),
        ]


class TestCheckIn:
    """The demands of the articles on check-in, written out once more."""

    @pytest.mark.parametrize("name", packs())
    def test_visitors_need_four_checks_and_prisoners_no_telephone(self, name):
        rules = load_pack(name).check_in
        assert rules.visitor_checks == (Tick.IDENTITY, Tick.SECURITY, Tick.PHONE, Tick.RULES)
        assert rules.prisoner_checks == (Tick.IDENTITY, Tick.SECURITY, Tick.RULES)

    def test_yunnan_tells_the_rules_and_gives_up_a_late_visit(self):
        rules = load_pack("yunnan").check_in
        assert not rules.commitment_letter and not rules.dialect_with_reason  # 23
        assert rules.late_consequence is Consequence.VISIT  # 10
        assert rules.articles["visitor_checks"] == "云南 第十一条、第十二条、第十九条"

    def test_guangdong_has_a_letter_signed_and_stops_the_month(self):
        rules = load_pack("guangdong").check_in
        assert rules.commitment_letter and rules.articles["commitment_letter"] == "广东 第二十四条"
        assert rules.late_consequence is Consequence.MONTH and rules.articles["late_consequence"] == "广东 第二十三条"
        assert rules.dialect_with_reason and rules.articles["dialect_with_reason"] == "广东 第二十八条"
        assert rules.articles["prisoner_checks"].startswith("业主决定")


class TestEarlyEnd:
    @pytest.mark.parametrize("name", packs())
    def test_has_a_code_that_blames_no_side(self, name):
        ground = load_pack(name).intervention("END-COMPLETED")
        assert ground and ground.must_end and not ground.may_suspend and not ground.may_hold
        assert ground.article == "业主决定"


class TestTalkbackCode:
    @pytest.mark.parametrize("name", packs())
    def test_explains_and_stops_no_visit(self, name):
        ground = load_pack(name).intervention("SAY-GUIDE")
        assert ground and ground.may_warn
        assert not (ground.must_end or ground.may_hold or ground.may_suspend)

    def test_rests_on_article_26_in_yunnan(self):
        assert load_pack("yunnan").intervention("SAY-GUIDE").article == "云南 第二十六条第一项、第二项"


class TestOwnPack:
    def pack(self, tmp_path, old, new, of="yunnan"):
        return _own(tmp_path, of, old, new)

    def test_may_be_stricter(self, tmp_path):
        assert load_pack(self.pack(tmp_path, "value = 3\n", "value = 2\n")).max_visitors == 2

    def test_is_refused_when_looser_and_the_article_is_named(self, tmp_path):
        with pytest.raises(LooserThanLaw, match="第十四条") as refusal:
            load_pack(self.pack(tmp_path, "value = 3\n", "value = 4\n"))
        assert refusal.value.articles == ("云南 第十四条",)

    def test_cannot_turn_a_stop_into_a_warning(self, tmp_path):
        with pytest.raises(LooserThanLaw, match="第十七条"):
            load_pack(self.pack(tmp_path, "must_end = true", "must_end = false"))

    @pytest.mark.parametrize("looser", ["may_hold = true", "may_hold = false\nmay_suspend = ['SAY-GUIDE']"])
    def test_cannot_punish_under_a_talkback_code(self, tmp_path, looser):
        text = "may_warn = true\nmust_end = false\nmay_hold = false"
        with pytest.raises(LooserThanLaw, match="SAY-GUIDE"):
            load_pack(self.pack(tmp_path, text, text.replace("may_hold = false", looser)))

    def test_cannot_end_a_visit_under_a_talkback_code(self, tmp_path):
        with pytest.raises(LooserThanLaw, match="SAY-END"):
            load_pack(self.pack(tmp_path, '["END-COMPLETED"', '["SAY-END"'))

    def test_cannot_drop_a_ground(self, tmp_path):
        with pytest.raises(LooserThanLaw, match=r"YN-16-7.*第十六条"):
            load_pack(self.pack(tmp_path, '["YN-16-7"', '["END-7"'))

    def test_without_warnings_is_a_pack_all_the_same(self, tmp_path):
        path = tmp_path / "own.toml"
        path.write_text(_text("yunnan").partition("[[warnings]]")[0], "utf-8")
        assert load_pack(path).warnings == ()

    @pytest.mark.parametrize(
        ("of", "old", "new", "article"),
        [
            ("yunnan", '"security", "phone", "rules"]', '"security", "rules"]', "云南 第十九条"),
            ("yunnan", '["identity", "security", "rules"]', '["identity", "security"]', "云南 第十二条"),
            ("yunnan", 'value = "visit"', 'value = "month"', "云南 第十条"),
            ("yunnan", _DIALECT_NO, _DIALECT_NO.replace("false", "true"), "云南 第二十三条"),
            (
                "guangdong",
                'value = true\narticle = "广东 第二十四条"',
                'value = false\narticle = "广东 第二十四条"',
                "广东 第二十四条",
            ),
            (
                "yunnan",
                f"value = true\n{_TOLD_YN}",
                f"value = false\n{_TOLD_YN}",
                "云南 第十二条、远程视频会见须知",
            ),
            ("guangdong", f"value = true\n{_TOLD_GD}", f"value = false\n{_TOLD_GD}", "广东 第二十四条、附件承诺书"),
            ("guangdong", 'value = "month"', 'value = "visit"', "广东 第二十三条"),
            ("guangdong", '["identity", "security", "phone"', '["security", "phone"', "广东 第二十四条"),
        ],
    )
    def test_cannot_leave_out_a_check_that_an_article_demands(self, tmp_path, of, old, new, article):
        with pytest.raises(LooserThanLaw) as refusal:
            load_pack(self.pack(tmp_path, old, new, of))
        assert refusal.value.articles == (article,)

    @pytest.mark.parametrize(
        ("of", "old", "new", "article"),
        [
            (
                "yunnan",
                'value = 15\nunit = "minutes"\narticle = "云南 第十四条"',
                'value = 31\nunit = "minutes"',
                "十四",
            ),
            ("yunnan", 'value = "approver"', 'value = "supervisor"', "十四"),
            ("guangdong", 'value = "start"', 'value = "limit"', "三十一"),
        ],
    )
    def test_cannot_let_more_people_make_a_visit_longer_or_by_more(self, tmp_path, of, old, new, article):
        with pytest.raises(LooserThanLaw) as refusal:
            load_pack(self.pack(tmp_path, old, new, of))
        assert article in refusal.value.articles[0]

    @pytest.mark.parametrize(
        ("of", "old", "new"),
        [
            ("yunnan", '["prison", "rehab"]', '["prison", "bureau"]'),
            ("yunnan", 'subject]  # whose visits: the prisoner\'s\nvalue = "prison"', 'subject]\nvalue = "visitor"'),
            ("guangdong", '"approver", ["city"]', '"approver", ["bureau"]'),
            ("guangdong", '"approver", ["city"]', '"approver", ["province"]'),
            ("guangdong", '"approver", ["city"]', '"approver", ["city", "province"]'),
            ("guangdong", '"approver", ["city"]', '"supervisor", ["city"]'),
            ("yunnan", '"approver", ["prison", "rehab"]', '"supervisor", ["prison"]'),
            ("guangdong", '    ["file", "file", "approver", ["province"], "广东 第二十五条、第二十九条"],\n', ""),
        ],
    )
    def test_cannot_let_another_office_suspend_visits(self, tmp_path, of, old, new):
        with pytest.raises(LooserThanLaw):
            load_pack(self.pack(tmp_path, old, new, of))

    @pytest.mark.parametrize(
        ("old", "new"),
        [("value = [5, 10, 15]", "value = []"), ("value = [5, 10, 15]", "value = [5, 20]"), ("[5, 10", "[0, 10")],
    )
    def test_with_steps_that_make_no_sense_is_refused(self, tmp_path, old, new):
        with pytest.raises(ValueError, match="extension"):
            load_pack(self.pack(tmp_path, old, new))

    def test_may_ask_yunnans_visitors_to_sign_too(self, tmp_path):
        own = self.pack(tmp_path, 'value = false\narticle = "云南 第十二条"', 'value = true\narticle = "云南 第十二条"')
        assert load_pack(own).check_in.commitment_letter

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('"rules"]', '"rules", "rules"]'),
            ('"rules"]', '"rules", "letter"]'),
            ('value = ["identity", "security", "rules"]', "value = []"),
            ('value = 2\narticle = "云南 第二十三条', 'value = 0\narticle = "云南 第二十三条'),
        ],
    )
    def test_with_check_in_rules_that_make_no_sense_is_refused(self, tmp_path, old, new):
        with pytest.raises(ValueError, match="makes no sense"):
            load_pack(self.pack(tmp_path, old, new))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("[check_in.late_consequence]", "[check_in.late]"),
            ('"phone", "rules"]', '"fingerprint", "rules"]'),
            ('value = ["identity", "security", "rules"]', 'value = "rules"'),
            ('value = "visit"', 'value = "year"'),
            ('value = "visit"\narticle = "云南 第十条"', 'value = "visit"'),
            ('value = "visit"', "value = false"),
            ('value = "limit"', 'value = "ever"'),
            ("value = [5, 10, 15]", "value = 5"),
            ("[extension.role]", "[extension.who]"),
            ("value = false", "value = 0"),
            ('value = "visit"', ""),
            ("[[interventions]]", "[check_in]\nlate_consequence = 3\n[[interventions]]"),
            ('article = "云南 第十四条"', ""),
            ("[max_visitors]", "[max_guests]"),
            ("value = 3\n", 'value = "3"\n'),
            ("value = 3\n", "value = true\n"),
            ('unit = "minutes"', 'unit = "years"'),
            ("value = 3\n", 'value = 3\nunit = "minutes"\n'),
            ('version = "2023-05-04.3"', ""),
            ("[pack]", "[pack"),
            ('"不准损坏远程视频会见设施设备；", ', ""),
        ],
    )
    def test_of_the_wrong_shape_is_refused_in_one_line(self, tmp_path, old, new):
        with pytest.raises(PackError) as refusal:
            load_pack(self.pack(tmp_path, old, new))
        assert "\n" not in str(refusal.value)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("value = 3\n", "value = 0\n"),
            ('"rules"]', '"rules", "rules"]'),
            ("[5, 10", "[0, 10"),
            ('["dont-9"', '["dont-8"'),
        ],
    )
    def test_that_makes_no_sense_is_refused_as_a_pack(self, tmp_path, old, new):
        """The error is the pack's, which the command line and the API put into words."""
        with pytest.raises((PackError, LooserThanLaw)) as refusal:
            load_pack(self.pack(tmp_path, old, new))
        assert "\n" not in str(refusal.value)

    def test_that_does_not_exist_is_refused_with_the_names_of_the_others(self):
        with pytest.raises(PackError, match="demo, guangdong, yunnan"):
            load_pack("sichuan")


class TestHowAnEndCounts:
    """The keys `reason` and `late` of a group of grounds (Yunnan 17(2), 18; Guangdong 36)."""

    def pack(self, tmp_path, text):
        path = tmp_path / "own.toml"
        path.write_text(text, "utf-8")
        return path

    def test_is_said_by_the_pack(self):
        yunnan, guangdong = load_pack("yunnan"), load_pack("guangdong")
        assert [ground.code for ground in yunnan.interventions if ground.late] == ["YN-17-2"]
        assert not any(ground.late for ground in guangdong.interventions)
        for policy, fault in ((yunnan, "YN-18"), (guangdong, "GD-36")):
            ends = {ground.code: ground.reason for ground in policy.interventions}
            faults = {code for code in ends if code.startswith(fault)}
            assert {ends.pop(code) for code in faults} == {EndReason.TECHNICAL}
            assert ends.pop("END-COMPLETED") is EndReason.COMPLETED
            assert set(ends.values()) == {EndReason.SUPERVISOR}

    @pytest.mark.parametrize("name", packs())
    def test_of_a_pack_written_before_the_keys_is_what_it_was(self, tmp_path, name):
        former = re.sub(r"^(reason|late) = .*\n", "", _text(name), flags=re.MULTILINE)
        assert load_pack(self.pack(tmp_path, former)).interventions == load_pack(name).interventions

    def test_of_a_code_of_such_a_pack_alone_is_a_measure_of_the_officers(self, tmp_path):
        former = re.sub(r"^(reason|late) = .*\n", "", _text("yunnan"), flags=re.MULTILINE)
        own = load_pack(self.pack(tmp_path, former.replace("END-COMPLETED", "END-EARLY")))
        assert own.intervention("END-EARLY").reason is EndReason.SUPERVISOR

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('reason = "technical"', 'reason = "ended_by_supervisor"'),
            ('late = ["YN-17-2"]\n', ""),
            ('late = ["YN-17-2"]', 'late = ["YN-17-2", "YN-17-3"]'),
            ('reason = "ended_by_supervisor"\nlate', 'reason = "technical"\nlate'),
            ('reason = "completed"', 'reason = "technical"'),
            ('reason = "completed"', 'reason = "completed"\nlate = ["END-COMPLETED"]'),
        ],
    )
    def test_cannot_be_other_than_the_articles_say(self, tmp_path, old, new):
        text = _text("yunnan")
        assert old in text
        with pytest.raises(LooserThanLaw):
            load_pack(self.pack(tmp_path, text.replace(old, new)))

    @pytest.mark.parametrize(
        ("old", "new", "error"),
        [
            ('reason = "technical"', 'reason = "weather"', "weather"),
            ('reason = "ended_by_supervisor"\nlate', "late", "give a `reason` too"),
        ],
    )
    def test_of_the_wrong_shape_is_refused_in_one_line(self, tmp_path, old, new, error):
        with pytest.raises(PackError, match=error):
            load_pack(self.pack(tmp_path, _text("yunnan").replace(old, new)))


def test_both_laws_have_a_pack():
    assert set(LAWS) <= set(packs())


def _own(tmp_path, name, old, new):
    """An owner's pack: that of `name` with one change."""
    text = _text(name)
    assert old in text
    path = tmp_path / "own.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path


def _text(name):
    from importlib import resources

    return resources.files("config").joinpath("packs", f"{name}.toml").read_text("utf-8")
