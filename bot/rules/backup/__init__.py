"""Rules about backups: those that failed, and those that are not made."""
