from . import (
    testing as testing,
)
from .calls.asking import (
    search as search,
)
from .calls.declaring import (
    fitness as fitness,
)
from .calls.minimizing import (
    maximize as maximize,
)
from .calls.minimizing import (
    minimize as minimize,
)
from .calls.outcome import (
    Run as Run,
)
from .calls.outcome import (
    open as open,
)
from .calls.starting import (
    run as run,
)
from .calls.wrapping import (
    wrap as wrap,
)
from .common.charts import (
    Series as Series,
)
from .common.charts import (
    forest as forest,
)
from .common.charts import (
    heat_map as heat_map,
)
from .common.charts import (
    line_chart as line_chart,
)
from .common.cores import (
    set_threads as set_threads,
)
from .common.files import (
    write_atomically as write_atomically,
)
from .common.keys import (
    array_key as array_key,
)
from .common.keys import (
    digest as digest,
)
from .components.nested import (
    Nested as Nested,
)
from .crossover.order import (
    order_crossover as order_crossover,
)
from .data.vault import (
    Vault as Vault,
)
from .data.vault import (
    cut_vault as cut_vault,
)
from .deap_toolbox import (
    toolbox as toolbox,
)
from .energy import (
    Cost as Cost,
)
from .energy import (
    Meter as Meter,
)
from .errors import (
    RunFailed as RunFailed,
)
from .errors import (
    UserError as UserError,
)
from .facts import (
    EndFacts as EndFacts,
)
from .facts import (
    EvaluationFacts as EvaluationFacts,
)
from .facts import (
    GenerationFacts as GenerationFacts,
)
from .facts import (
    ReportFacts as ReportFacts,
)
from .facts import (
    ReportSection as ReportSection,
)
from .facts import (
    RunFacts as RunFacts,
)
from .facts import (
    StopSearch as StopSearch,
)
from .genomes.bits import (
    Bits as Bits,
)
from .genomes.index_vector import (
    IndexVector as IndexVector,
)
from .genomes.individuals import (
    key_of as key_of,
)
from .genomes.individuals import (
    make_individual as make_individual,
)
from .genomes.individuals import (
    ranked as ranked,
)
from .genomes.individuals import (
    weights_of as weights_of,
)
from .genomes.permutation import (
    Permutation as Permutation,
)
from .genomes.real_vector import (
    RealVector as RealVector,
)
from .genomes.space.parameters import (
    Choice as Choice,
)
from .genomes.space.parameters import (
    Float as Float,
)
from .genomes.space.parameters import (
    Int as Int,
)
from .genomes.space.parameters import (
    Order as Order,
)
from .genomes.space.parameters import (
    Subset as Subset,
)
from .genomes.space.space import (
    Space as Space,
)
from .hookspecs import (
    hookimpl as hookimpl,
)
from .interfaces import (
    Component as Component,
)
from .interfaces import (
    Contender as Contender,
)
from .interfaces import (
    Context as Context,
)
from .interfaces import (
    Data as Data,
)
from .interfaces import (
    Evaluation as Evaluation,
)
from .interfaces import (
    Fitness as Fitness,
)
from .interfaces import (
    Genome as Genome,
)
from .interfaces import (
    Goal as Goal,
)
from .interfaces import (
    Individual as Individual,
)
from .interfaces import (
    Kind as Kind,
)
from .interfaces import (
    Measure as Measure,
)
from .interfaces import (
    Measured as Measured,
)
from .interfaces import (
    Score as Score,
)
from .interfaces import (
    Screen as Screen,
)
from .interfaces import (
    Search as Search,
)
from .interfaces import (
    Surrogate as Surrogate,
)
from .interfaces import (
    Variant as Variant,
)
from .options import (
    Count as Count,
)
from .options import (
    FolderOrName as FolderOrName,
)
from .options import (
    HubName as HubName,
)
from .options import (
    Label as Label,
)
from .options import (
    NonNegative as NonNegative,
)
from .options import (
    Positive as Positive,
)
from .options import (
    Probability as Probability,
)
from .options import (
    added as added,
)
from .searches.archive import (
    Archive as Archive,
)
from .searches.stepping import (
    AskTell as AskTell,
)
from .streams import (
    Streams as Streams,
)

__version__: str
