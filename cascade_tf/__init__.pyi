__version__: str

from .cascade import sample_cascade as sample_cascade
from .errors import SettingError as SettingError
from .errors import UserError as UserError
from .examples import Examples as Examples
from .sample_request import SampleRequest as SampleRequest
from .stage import Stage as Stage
from .training import Trainer as Trainer
from .training_config import TrainingConfig as TrainingConfig
