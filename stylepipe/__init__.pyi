from stylepipe.api import cache as cache
from stylepipe.api import losses as losses
from stylepipe.api import optimizers as optimizers
from stylepipe.api import runs as runs
from stylepipe.api import weights as weights
from stylepipe.api.commands.checking import graph as graph
from stylepipe.api.commands.checking import validate as validate
from stylepipe.api.commands.comparing import diff as diff
from stylepipe.api.commands.diagnosis import doctor as doctor
from stylepipe.api.commands.exporting import export as export
from stylepipe.api.commands.exporting import import_bundle as import_bundle
from stylepipe.api.commands.listing import schema as schema
from stylepipe.api.commands.listing import stages as stages
from stylepipe.api.commands.planning import explain as explain
from stylepipe.api.commands.planning import plan as plan
from stylepipe.api.commands.running import run as run
from stylepipe.api.commands.showing import show as show
from stylepipe.api.commands.starting import init as init
from stylepipe.api.commands.starting import recipes as recipes
from stylepipe.api.commands.sweeping import sweep as sweep
from stylepipe.api.commands.verifying import verify as verify
from stylepipe.api.direct import apply as apply
from stylepipe.api.direct import extract as extract
from stylepipe.api.direct import stylize as stylize
from stylepipe.api.sources.recipe_objects import Recipe as Recipe

__version__: str
