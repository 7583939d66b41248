"""The Qt window. It draws what `app.live_view` says; nothing else."""
