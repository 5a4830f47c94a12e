"""Agreement: gradient × activation at every layer, in which channels that speak against the label do not cancel others.

At each place, gradient × activation is cut off at zero before channels are summed. Input × gradient sums first, so that
two channels that disagree hide each other. All layers come of one forward and one backward pass.
"""

import torch


def explain(model, x, target, layers):
    """A map [B,1,h,w] for each layer, at the layer's own size; nothing in it is negative."""
    logits, kept = model.run(x.clone().requires_grad_(), keep=layers)
    score = logits.gather(1, target[:, None]).sum()
    activations = [kept[layer] for layer in layers]
    gradients = torch.autograd.grad(score, activations)
    return {
        layer: (gradient * activation).relu().sum(1, keepdim=True).detach()
        for layer, activation, gradient in zip(layers, activations, gradients, strict=True)
    }
