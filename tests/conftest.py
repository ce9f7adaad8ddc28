"""What all tests share: hypothesis without a clock."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "huijian",
    deadline=None,  # a busy machine is no mistake of the code
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("huijian")
