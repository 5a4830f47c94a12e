"""Input × gradient of the margin: what sets the label apart from all others, not what raises its logit."""

import torch


def explain(model, x, target):
    """A map of the picture: the gradient of logit(target) - log Σ exp(the other logits), times the picture."""
    x = x.clone().requires_grad_()
    logits = model(x)
    wanted = logits.gather(1, target[:, None]).squeeze(1)
    others = logits.scatter(1, target[:, None], -torch.inf).logsumexp(1)
    (gradient,) = torch.autograd.grad((wanted - others).sum(), x)
    return gradient * x.detach()
