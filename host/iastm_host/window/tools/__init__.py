"""The Tools page as a window: draws snapshots of iastm_host.app.tools_page, and does nothing else."""
