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
        raise PolicyViolation(str(error), articles=list(error.articles)) from error
    except ValueError as error:
        raise BadRequest(str(error)) from error


def ground(policy: Policy, code: str) -> Intervention:
    """The ground of that code. Raises PolicyViolation: no officer steps in without an article (Guangdong 31(2))."""
    found = policy.intervention(code)
    if found is None:
        raise PolicyViolation(
            f"The rules of {policy.name} have no such code.", "该条款代码不在适用规定中。", articles=[code]
        )
    return found
