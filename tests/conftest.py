"""How Hypothesis judges here: by what it finds, not by how fast a busy machine finds it."""

from hypothesis import HealthCheck, settings

settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
