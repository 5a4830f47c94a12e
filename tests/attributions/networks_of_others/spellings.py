"""The same small network written in many ways: each operation has spellings that compute the same."""

import operator

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune


class OwnConv(nn.Conv2d):
    """A subclass that changes nothing."""


class WrittenConv(nn.Conv2d):
    """A subclass with a forward of its own."""

    def forward(self, x):
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class StandardisedConv(nn.Conv2d):
    """A convolution that computes its weight from another at each call."""

    def forward(self, x):
        weight = self.weight * 2
        return F.conv2d(x, weight / 2, self.bias, self.stride, self.padding, self.dilation, self.groups)


class OwnNorm(nn.BatchNorm2d):
    """A subclass that changes nothing."""


class WrittenNorm(nn.BatchNorm2d):
    """A subclass with a forward of its own, as torchvision's frozen batch normalisation has it."""

    def forward(self, x):
        w, b = self.weight.reshape(1, -1, 1, 1), self.bias.reshape(1, -1, 1, 1)
        scale = w * (self.running_var.reshape(1, -1, 1, 1) + self.eps).rsqrt()
        return x * scale + (b - self.running_mean.reshape(1, -1, 1, 1) * scale)


class SubtractingNorm(nn.BatchNorm2d):
    """The same formula from the other end."""

    def forward(self, x):
        centred = x - self.running_mean[:, None, None]
        normal = centred / torch.sqrt(self.running_var[:, None, None] + self.eps)
        return normal * self.weight[:, None, None] + self.bias[:, None, None]


class NormAndRelu(nn.BatchNorm2d):
    """A normalisation with its activation in it, as timm has it; used with the spelling ``nothing`` of the ReLU."""

    def forward(self, x):
        return F.relu(
            F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.1, self.eps)
        )


def like(kind):
    """A module of another class with the tensors of the given one."""

    def convert(module):
        new = kind(*_arguments(module))
        new.load_state_dict(module.state_dict())
        return new

    return convert


def _arguments(module):
    if isinstance(module, nn.Conv2d):
        return (module.in_channels, module.out_channels, module.kernel_size, module.stride, module.padding)
    return (module.num_features, module.eps)


def same(module):
    return module


def weight_normed(module):
    return parametrizations.weight_norm(module)


def old_weight_normed(module):
    with _silent():
        return torch.nn.utils.weight_norm(module)


def pruned(module):
    """Pruned by a mask of ones: the same weights, computed before each call."""
    return prune.identity(module, "weight")


def _silent():
    import warnings

    catcher = warnings.catch_warnings()
    catcher.__enter__()
    warnings.simplefilter("ignore")

    class Done:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            catcher.__exit__(*error)

    return Done()


def call(module, x):
    return module(x)


def _norm_arguments(m):
    return m.running_mean, m.running_var, m.weight, m.bias, False, 0.1, m.eps


CONVOLUTIONS = {
    "module": (same, call),
    "module by name": (same, lambda m, x: m(input=x)),
    "functional": (same, lambda m, x: F.conv2d(x, m.weight, m.bias, m.stride, m.padding)),
    "functional by name": (same, lambda m, x: F.conv2d(input=x, weight=m.weight, bias=m.bias, padding=m.padding)),
    "torch": (same, lambda m, x: torch.conv2d(x, m.weight, m.bias, m.stride, m.padding)),
    "subclass": (like(OwnConv), call),
    "written": (like(WrittenConv), call),
    "standardised": (like(StandardisedConv), call),
    "weight norm": (weight_normed, call),
    "old weight norm": (old_weight_normed, call),
    "pruned": (pruned, call),
    "padding apart": (
        same,
        lambda m, x: F.conv2d(F.pad(x, (1, 1, 1, 1)), m.weight, m.bias, m.stride),
    ),
    "bias apart": (same, lambda m, x: F.conv2d(x, m.weight, None, m.stride, m.padding) + m.bias[:, None, None]),
}

NORMS = {
    "module": (same, call),
    "functional": (same, lambda m, x: F.batch_norm(x, *_norm_arguments(m))),
    "functional by name": (
        same,
        lambda m, x: F.batch_norm(
            input=x, running_mean=m.running_mean, running_var=m.running_var, weight=m.weight, bias=m.bias, eps=m.eps
        ),
    ),
    "subclass": (like(OwnNorm), call),
    "frozen": (like(WrittenNorm), call),
    "subtracting": (like(SubtractingNorm), call),
    "addcmul": (
        same,
        lambda m, x: torch.addcmul(
            (m.bias - m.running_mean * m.weight / (m.running_var + m.eps).sqrt())[:, None, None],
            x,
            (m.weight / (m.running_var + m.eps).sqrt())[:, None, None],
        ),
    ),
}

RELUS = {
    "functional": F.relu,
    "functional by name": lambda x: F.relu(input=x),
    "in place": lambda x: F.relu(x * 1, inplace=True),
    "torch": torch.relu,
    "method": lambda x: x.relu(),
    "method in place": lambda x: (x * 1).relu_(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: x.clamp_min(0),
    "torch clamp": lambda x: torch.clamp(x, 0),
    "maximum": lambda x: torch.maximum(x, torch.zeros((), dtype=x.dtype)),
    "max": lambda x: torch.max(x, torch.zeros((), dtype=x.dtype)),
    "threshold": lambda x: F.threshold(x, 0, 0),
    "leaky": lambda x: F.leaky_relu(x, 0.0),
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 1e9),
    "product": lambda x: x * (x > 0),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "absolute": lambda x: (x + x.abs()) / 2,
    "fmax": lambda x: torch.fmax(x, torch.zeros((), dtype=x.dtype)),
    "max method": lambda x: x.max(torch.zeros((), dtype=x.dtype)),
    "masked": lambda x: x.masked_fill(x < 0, 0.0),
    "heaviside": lambda x: x * torch.heaviside(x, torch.zeros((), dtype=x.dtype)),
    "root": lambda x: (x + (x * x).sqrt()) / 2,
    "less the minimum": lambda x: x - torch.min(x, torch.zeros((), dtype=x.dtype)),
    "prelu": lambda x: F.prelu(x, torch.zeros(3, dtype=x.dtype)),
    "rrelu": lambda x: F.rrelu(x, 0.0, 0.0),
    "without end": lambda x: x.clamp(0, float("inf")),
    "twice": lambda x: F.relu(F.relu(x)),
    "stacked with zeros": lambda x: torch.stack([x, torch.zeros_like(x)]).amax(0),
    "padded with zeros": lambda x: F.pad(x[..., None], (0, 1)).amax(-1),
}

SUMS = {
    "operator": operator.add,
    "other way": lambda x, y: y + x,
    "torch": torch.add,
    "method": lambda x, y: x.add(y),
    "in place": lambda x, y: operator.iadd(x * 1, y),
    "difference": lambda x, y: x - (-y),
    "stack": lambda x, y: torch.stack([x, y]).sum(0),
    "sum of a list": lambda x, y: sum([x, y]),
    "stacked before": lambda x, y: torch.stack([x, y], 1).mean(1) * 2,
    "concatenated": lambda x, y: torch.cat([x, y], 1).unflatten(1, (2, 3)).sum(1),
    "rsub": lambda x, y: torch.rsub(-x, y),
    "halves": lambda x, y: torch.lerp(x, y, 0.5) * 2,
    "alpha": lambda x, y: torch.add(x, y * 2, alpha=0.5),
}

POOLS = {
    "functional": lambda x: F.max_pool2d(x, 2),
    "by name": lambda x: F.max_pool2d(input=x, kernel_size=2, stride=2),
    "torch": lambda x: torch.max_pool2d(x, 2),
    "with indices": lambda x: F.max_pool2d(x, 2, return_indices=True)[0],
}

HEADS = {
    "mean": lambda x: x.mean((2, 3)),
    "pool and flatten": lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1),
    "view": lambda x: F.adaptive_avg_pool2d(x, 1).view(x.size(0), -1),
    "avg_pool2d": lambda x: F.avg_pool2d(x, (x.shape[2], x.shape[3])).squeeze(-1).squeeze(-1),
    "flat mean": lambda x: x.flatten(2).mean(-1),
    "sum": lambda x: x.sum((2, 3)) / 16,
    "batch first": lambda x: x.reshape(x.shape[0], x.shape[1], -1).mean(2),
    "rows of columns": lambda x: x.mean(-1).mean(-1),
    "einsum": lambda x: torch.einsum("bchw->bc", x) / 16,
}

LINEARS = {
    "module": lambda m, x: m(x),
    "by name": lambda m, x: m(input=x),
    "functional": lambda m, x: F.linear(x, m.weight, m.bias),
    "operator": lambda m, x: x @ m.weight.T + m.bias,
    "addmm": lambda m, x: torch.addmm(m.bias, x, m.weight.t()),
    "einsum": lambda m, x: torch.einsum("bi,oi->bo", x, m.weight) + m.bias,
    "convolution": lambda m, x: F.conv2d(x[..., None, None], m.weight[..., None, None], m.bias).flatten(1),
    "tensordot": lambda m, x: torch.tensordot(x, m.weight, ([1], [1])) + m.bias,
    "matmul": lambda m, x: torch.matmul(x, m.weight.T) + m.bias,
}

KINDS = {
    "convolution": CONVOLUTIONS,
    "norm": NORMS,
    "relu": RELUS,
    "sum": SUMS,
    "pool": POOLS,
    "head": HEADS,
    "linear": LINEARS,
}
PLAIN = {name: next(iter(spellings)) for name, spellings in KINDS.items()}


class Written(nn.Module):
    """Convolution, normalisation, ReLU, pool, a residual block, the head; each operation in the spelling asked for.

    Of the weights a seed decides alone, so that two spellings are one function.
    """

    def __init__(self, seed, **spellings):
        super().__init__()
        self.spelt = PLAIN | spellings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            modules = {
                "stem": nn.Conv2d(2, 3, 3, padding=1),
                "norm": nn.BatchNorm2d(3),
                "branch": nn.Conv2d(3, 3, 3, padding=1),
                "branch_norm": nn.BatchNorm2d(3),
                "fc": nn.Linear(3, 4),
            }
            for module in modules.values():
                for tensor in module.state_dict().values():
                    if tensor.is_floating_point():
                        tensor.copy_(torch.randn_like(tensor) * 0.7)
                if isinstance(module, nn.BatchNorm2d):
                    module.running_var.abs_().add_(0.5)
        for name, module in modules.items():
            kind = "norm" if "norm" in name else "linear" if name == "fc" else "convolution"
            module.double()
            made = module if kind == "linear" else KINDS[kind][self.spelt[kind]][0](module)
            setattr(self, name, made.double())
        self.double().eval()

    def of(self, kind, module, x):
        return KINDS[kind][self.spelt[kind]][1](module, x)

    def forward(self, x):
        relu, pool, head = (KINDS[kind][self.spelt[kind]] for kind in ("relu", "pool", "head"))
        x = pool(relu(self.of("norm", self.norm, self.of("convolution", self.stem, x))))
        y = self.of("norm", self.branch_norm, self.of("convolution", self.branch, x))
        x = relu(KINDS["sum"][self.spelt["sum"]](y, x))
        return LINEARS[self.spelt["linear"]](self.fc, head(x))
