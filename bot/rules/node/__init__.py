"""Rules about nodes, and what HA makes of one that is lost."""
