import pytest
import torch

from detbench.core.paths import shipped
from detbench.deconvolution.estimation import Guess
from detbench.nets.blind_kernel import BlindKernel
from detbench.nets.weights import load_weights


@pytest.fixture(scope="module")
def guess() -> Guess:
    """The shipped network."""
    net = BlindKernel()
    load_weights(net, shipped("models") / "blind", "blind")
    return torch.inference_mode()(net.eval())
