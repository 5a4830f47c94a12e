"""Class activation maps once more: pictures, channels and sizes one after another; float64, no autograd."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from .networks import KINDS, Case, Shortcuts, case_of
from .operations import chained, forward
from .resizing import bilinear, stretched
from .ways import Guided, Plain, signals


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_guided_grad_cam_is_a_product(kind, interpolation):
    case = case_of(kind)
    found = case.found(f"guided_grad_cam(interpolation='{interpolation}')")
    multiplied = case.found(f"input_x_guided_grad_cam(interpolation='{interpolation}')")
    top = kind.layers[-1]
    for sample, (segments, tensors, _, target) in enumerate(case.runs()):
        gradient = signals(segments, np.eye(3)[target], Plain())[-1].reshape(case.shape(top))
        cam = np.maximum((gradient.mean((1, 2), keepdims=True) * tensors[-1].reshape(case.shape(top))).sum(0), 0)
        guided_signals = signals(segments, np.eye(3)[target], Guided())
        for layer, guided, a in zip(kind.layers, guided_signals, tensors, strict=True):
            side = case.shape(layer)[1]
            times = side // len(cam)
            enlarged = bilinear(cam, side) if interpolation == "bilinear" else np.kron(cam, np.ones((times, times)))
            expected = guided.reshape(case.shape(layer)) * enlarged
            np.testing.assert_allclose(found[layer][sample], expected, rtol=1e-9, atol=1e-11, err_msg=layer)
            expected = expected * a.reshape(case.shape(layer))
            np.testing.assert_allclose(multiplied[layer][sample], expected, rtol=1e-9, atol=1e-11, err_msg=layer)


@pytest.mark.parametrize("kind", KINDS)
def test_score_cam_shows_the_picture_through_every_channel(kind):
    case = case_of(kind)
    found = case.found("score_cam")
    for sample, (_, tensors, _, target) in enumerate(case.runs()):
        picture = tensors[0].reshape(case.shape("input"))
        for layer, a in zip(kind.layers, tensors, strict=True):
            expected = np.zeros(case.shape(layer)[1:])
            for channel in a.reshape(case.shape(layer)):
                if channel.max() > channel.min():
                    seen = (picture * stretched(bilinear(channel, 4))).ravel()
                    scores = np.exp(forward(chained(case.network.segments()), seen))
                    expected += scores[target] / scores.sum() * channel
            np.testing.assert_allclose(found[layer][sample, 0], expected, rtol=1e-9, atol=1e-11, err_msg=layer)


@pytest.mark.parametrize("twins", [(0, 0, 1), (0, 1, 1), (1, 0, 1), (2, 2, 2)])
def test_score_cam_of_rows_with_the_same_picture(twins):
    """Neighbours share their passes; each keeps its own target."""
    case = Case(Shortcuts)
    case.x = case.x[list(twins)]
    together = case.found("score_cam")
    for row in range(3):
        alone = Case(Shortcuts)
        alone.x = case.x[[row] * 3]
        for layer, values in alone.found("score_cam").items():
            np.testing.assert_allclose(together[layer][row], values[row], rtol=1e-9)


@pytest.mark.parametrize("sizes", [(224, 449, 112), (112, 337, 112), (224, 225, 100), (336, 337, 100)])
def test_cameras_is_a_mean_over_sizes(sizes):
    case = case_of(Shortcuts)
    found = case.found("cameras(smallest={}, largest={}, step={})".format(*sizes))
    shown = [size * 4 // 224 for size in range(sizes[0], max(sizes[1], sizes[0] + 1), sizes[2])]
    for sample, (_, tensors, _, target) in enumerate(case.runs()):
        picture = torch.from_numpy(tensors[0].reshape(1, *case.shape("input")))
        totals = {layer: [0.0, 0.0] for layer in Shortcuts.layers}
        for side in shown:
            resized = picture if side == 4 else F.interpolate(picture, (side, side), mode="bicubic")
            segments, value = case.network.segments(side=side), resized.numpy().ravel()
            values = []
            for segment in segments:
                values.append(value)
                value = forward(segment, value)
            gradients = signals(segments, np.eye(3)[target], Plain())
            for layer, *pair in zip(Shortcuts.layers, values, gradients, strict=True):
                channels = case.shape(layer)[0]
                places = int((pair[0].size // channels) ** 0.5)
                for index, array in enumerate(pair):
                    totals[layer][index] += bilinear(array.reshape(channels, places, places), 4) / len(shown)
        for layer, (a, g) in totals.items():
            np.testing.assert_allclose(found[layer][sample, 0], (a * g).sum(0), rtol=1e-9, atol=1e-11, err_msg=layer)
