"""The listener, off by default: health, metrics, and what Proxmox VE pushes; and the heartbeat."""
