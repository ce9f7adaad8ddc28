"""Recovery codes: how they are written, and what is stored of them."""

from signaling.auth.factors.recovery import CODES, code_hash, new_codes

KEY = b"k" * 32


def test_there_are_ten_which_differ_and_have_no_sign_that_is_taken_for_another():
    codes = new_codes()
    assert len(set(codes)) == CODES == 10
    assert not set("".join(codes)) & set("0oO1lI")


def test_spaces_dashes_and_capitals_do_not_matter():
    assert code_hash(KEY, "li", "abcd-efgh-jkmn") == code_hash(KEY, "li", " ABCD efgh jkmn ")


def test_what_is_stored_depends_on_account_and_key():
    stored = code_hash(KEY, "li", "abcd-efgh-jkmn")
    assert stored != code_hash(KEY, "wang", "abcd-efgh-jkmn") and stored != code_hash(b"x" * 32, "li", "abcd-efgh-jkmn")
    assert "abcd" not in stored and len(stored) == 64
