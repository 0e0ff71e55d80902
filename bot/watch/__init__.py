"""The watch: each poll turned into a view, its findings into alerts, and what is new handed to the deliverer."""
