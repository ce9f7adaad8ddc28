"""Policy packs as the broker uses them: what is wrong with a pack, or unknown to it, is an error of a visit."""

from broker.kernel.errors import BadRequest, PolicyViolation
from config.articles.grounds import Intervention
from config.pack_loader import load_pack
from config.policy import LooserThanLaw, Policy


def pack_named(name: str) -> Policy:
    """The policy pack of a site. Raises BadRequest (no such pack) or PolicyViolation (too loose)."""
    try:
        return load_pack(name)
    except LooserThanLaw as error:
        raise PolicyViolation(str(error), "规则包宽于法规，不予采用。", articles=list(error.articles)) from error
    except ValueError as error:
        raise BadRequest(str(error), "规则包不可用。") from error


def pack_for_new_site(name: str, demo: bool = False) -> Policy:
    """The pack that a new site is given. `demo`: rules of the demonstration are allowed. Raises BadRequest or
    PolicyViolation."""
    policy = pack_named(name)
    if policy.demo and not demo:
        raise PolicyViolation(
            "The demonstration's rules are for demonstrations only (--demo).", "演示规则包仅限演示使用。"
        )
    return policy


def ground(policy: Policy, code: str) -> Intervention:
    """The ground of that code. Raises PolicyViolation: no officer steps in without an article (Guangdong 31(2))."""
    found = policy.intervention(code)
    if found is None:
        raise PolicyViolation(
            f"The rules of {policy.name} have no such code.", "该条款代码不在适用规定中。", articles=[code]
        )
    return found
