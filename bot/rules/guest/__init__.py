"""Rules about guests, what explains that one is down, and how their alerts end."""
