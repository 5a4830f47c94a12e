import torch
from torch import nn

from peephole.attributions.folding import fold_batch_norm
from peephole.attributions.graph import canonicalise


def test_logits_and_layers_stay(residual, pictures):
    canonical = canonicalise(residual.double())
    folded = fold_batch_norm(canonical)
    x = pictures.double()
    with torch.no_grad():
        expected, before = canonical.run(x, keep=canonical.layers)
        found, after = folded.run(x, keep=folded.layers)
    assert torch.allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert folded.layers == canonical.layers
    for layer in canonical.layers:
        assert torch.allclose(after[layer], before[layer], rtol=1e-12, atol=1e-12)


def test_no_batch_norm_is_left_and_the_given_graph_is_whole(residual, pictures):
    canonical = canonicalise(residual)
    with torch.no_grad():
        before = canonical(pictures)
        folded = fold_batch_norm(canonical)
        assert torch.equal(canonical(pictures), before)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert sum(isinstance(module, nn.BatchNorm2d) for module in canonical.modules()) == 6
    assert "conv" not in folded.cuts
    assert "bn" in folded.cuts
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert not any(module.training for module in folded.modules())


def test_the_formula(residual):
    canonical = canonicalise(residual.double())
    conv, bn = canonical.module("conv"), canonical.module("bn")
    folded = fold_batch_norm(canonical).module("bn")
    scale = bn.weight / (bn.running_var + bn.eps).sqrt()
    assert torch.allclose(folded.weight, conv.weight * scale[:, None, None, None], rtol=1e-12)
    assert torch.allclose(folded.bias, bn.bias - bn.running_mean * scale, rtol=1e-12)


def test_what_cannot_be_folded_stays():
    class Branches(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.BatchNorm2d(3)
            self.conv = nn.Conv2d(3, 3, 1)
            self.bn = nn.BatchNorm2d(3)
            self.conv2 = nn.Conv2d(3, 3, 1)
            self.own = nn.GroupNorm(3, 3)

        def forward(self, x):
            x = self.conv(self.first(x))
            return self.own(self.conv2(x + self.bn(x))).amax((2, 3))

    canonical = canonicalise(Branches(), (3, 4, 4))
    folded = fold_batch_norm(canonical)
    assert [site.name for site in folded.sites] == [site.name for site in canonical.sites]
