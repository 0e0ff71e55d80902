"""What is told and where: each card made equal to what is wanted, and the outbox sent, at least once."""
