"""Rules about where guests are kept: storages, pools, disks, replication."""
