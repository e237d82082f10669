from stylepipe.api import losses as losses
from stylepipe.api import optimizers as optimizers
from stylepipe.api.commands.exporting import export as export
from stylepipe.api.commands.exporting import import_bundle as import_bundle
from stylepipe.api.commands.planning import explain as explain
from stylepipe.api.commands.planning import plan as plan
from stylepipe.api.commands.running import run as run
from stylepipe.api.commands.sweeping import sweep as sweep
from stylepipe.api.commands.verifying import verify as verify
from stylepipe.api.direct import apply as apply
from stylepipe.api.direct import extract as extract
from stylepipe.api.direct import stylize as stylize
from stylepipe.api.sources.recipe_objects import Recipe as Recipe

__version__: str
