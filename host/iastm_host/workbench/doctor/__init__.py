"""What would keep the main job from working on this computer, found by looking, with a cure for each.

Nothing here changes anything, uses a network, or imports Qt. Modules import the standard library only, and the rest of
the host where it is used: the doctor must start where a package is broken (`python -m iastm_host.workbench.doctor`).
"""
