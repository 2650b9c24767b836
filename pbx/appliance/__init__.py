"""The bundled PBX: fetch it, configure it, run it. Nothing here needs root.

    pbx = ensure(progress)                      find or fetch one (blocking: use a thread)
    data = data_folder(pbx, progress)           its prompts, for `astdatadir`
    music_on_hold(pbx, music, progress)         its music, in the trunks' coding
    layout = Layout.of(state / "asterisk")
    conf = render(pbx, layout, plan, ...)       checked, then put in force in one step
    instance = Instance(pbx, conf)
    await instance.start(); await instance.wait_ready()

A second Asterisk with a configuration of its own uses `render_folder` in place of `render`.
All failures are `pbx.errors.ApplianceError`, whose message says what to do.
"""

from pbx.appliance.cache import Progress, cache_folder
from pbx.appliance.data import data_folder, music_on_hold
from pbx.appliance.fetch import bundled, ensure, refresh
from pbx.appliance.instance import Instance
from pbx.appliance.render import Account, Layout, Plan, check, render
from pbx.appliance.root import Pbx, Tool
from pbx.appliance.template import render_folder

__all__ = [
    "Account",
    "Instance",
    "Layout",
    "Pbx",
    "Plan",
    "Progress",
    "Tool",
    "bundled",
    "cache_folder",
    "check",
    "data_folder",
    "ensure",
    "music_on_hold",
    "refresh",
    "render",
    "render_folder",
]
