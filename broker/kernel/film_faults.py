"""Why the film of a side could not be watched: the closed set of causes that the recorder finds, the gate is held for,
and officers are told in words."""

from enum import StrEnum


class FilmFault(StrEnum):
    """Why nothing that can be watched is being recorded of a side."""

    NO_PICTURES = "no_pictures"
    """No picture comes at all."""
    NO_KEYFRAME = "no_keyframe"
    """Pictures come, but none to begin with: no IDR picture, although it is asked for (intra refresh, for one)."""
    NO_SETS = "no_sets"
    """Pictures refer to parameter sets that never came."""
    LARGE_SETS = "large_sets"
    """Parameter sets are larger than any real one, and are not kept."""
    UNSUPPORTED = "unsupported"
    """A profile, a size or a tool of H.264 that players do not have."""
    REORDERED = "reordered"
    """Pictures do not come in the order in which they are shown (B-frames), against what was agreed."""
    STAMPS = "stamps"
    """The time stamps of pictures do not ascend."""
    CORRUPT = "corrupt"
    """What comes does not make pictures: units or slices are damaged or do not belong together."""
    LOSS = "loss"
    """Packets or pictures are missing, and no keyframe has come since."""
    TOO_MUCH = "too_much"
    """More bytes, packets or pictures than a visit may write."""
    NO_SOUND = "no_sound"
    """No sound comes at all."""
    BAD_SOUND = "bad_sound"
    """What comes as sound is not Opus, or cannot be placed in time."""
