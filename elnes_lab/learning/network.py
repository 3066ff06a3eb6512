"""Networks from PDOS bins to spectra. All members of an ensemble are one module: weights carry the member as first
axis.

Axes: k members, n rows, c channels, b bins, s scalars, z encoded inputs, r components of the target, m target bins.

    inputs (n, c, b), scalars (n, s)
      -> encode: centred per bin, scaled per channel, principal components      (n, z)
      -> coefficients: ridge regression + hidden layers, per member             (k, n, r)
      -> decode: mean spectrum + coefficients @ components, made non-negative   (k, n, m)

A channel has one scale, never a bin: a bin that hardly varies in training would explode on a new structure. Encoding
and decoding are fixed linear maps from the training data, so that only a small network is trained; all are buffers.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..errors import DataError
from .dataset import Dataset
from .hyper import Hyper
from .linear import components

SOFTNESS = 0.02  # of the non-negative map, in units of the mean target: 0 becomes 0.02, 0.2 stays 0.202
SCALAR_WEIGHT = 0.5  # spread of a scalar beside a channel's 1


class Network(nn.Module):
    """k members from inputs to non-negative spectra; subclasses give `hidden`, the non-linear part of the coefficients.

    Buffers: input_mean (c, b), input_scale (c), scalar_mean (s), scalar_scale (s), input_components (c * b, p),
    target_components (r, m), target_mean (m), output_scale (), skip_weight (k, z, r), skip_offset (k, 1, r).
    """

    def __init__(self, hyper: Hyper, sizes: dict):
        """sizes: channels, bins, scalars, inputs (p), encoded (z), coefficients (r), targets (m); as `sizes_of` gives
        them.
        """
        super().__init__()
        self.hyper, self.sizes = hyper, dict(sizes)
        k, s, r, m = hyper.members, sizes["scalars"], sizes["coefficients"], sizes["targets"]
        shapes = {
            "input_mean": (sizes["channels"], sizes["bins"]),
            "input_scale": (sizes["channels"],),
            "scalar_mean": (s,),
            "scalar_scale": (s,),
            "input_components": (sizes["channels"] * sizes["bins"], sizes["inputs"]),
            "target_components": (r, m),
            "target_mean": (m,),
            "output_scale": (),
            "skip_weight": (k, sizes["inputs"] + s, r),
            "skip_offset": (k, 1, r),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape))

    def scaled(self, inputs: torch.Tensor) -> torch.Tensor:
        """Inputs (n, c, b) centred per bin; a channel's total variance over its bins is 1 in training."""
        return (inputs - self.input_mean) / self.input_scale[:, None]

    def encode(self, inputs: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """Principal components of the PDOS, then the scalars, (n, z)."""
        return torch.cat([self.scaled(inputs).flatten(1) @ self.input_components, self.scaled_scalars(scalars)], 1)

    def scaled_scalars(self, scalars: torch.Tensor) -> torch.Tensor:
        return (scalars - self.scalar_mean) / self.scalar_scale

    def coefficients(self, encoded: torch.Tensor, masks: list | None = None) -> torch.Tensor:
        """Coefficients (k, n, r) from encoded rows (n, z); masks: dropout of the hidden units, in training only."""
        hidden = self.hidden(encoded, masks)
        if not self.hyper.skip:
            return hidden + self.skip_offset
        linear = self.linear_inputs(encoded)
        skip = torch.baddbmm(self.skip_offset, linear.expand(self.hyper.members, *linear.shape), self.skip_weight)
        return skip if hidden is None else skip + hidden

    def linear_inputs(self, encoded: torch.Tensor) -> torch.Tensor:
        """What the ridge regression sees of the encoded rows."""
        return encoded

    def hidden(self, encoded, masks):
        """The non-linear part (k, n, r); None if there is none."""
        return None

    def hidden_units(self) -> list[int]:
        """Units of each layer that dropout acts on."""
        return []

    def decode(self, coefficients: torch.Tensor) -> torch.Tensor:
        """Spectra (..., m), non-negative, from coefficients (..., r): squareplus (Barron, arXiv:2112.11687), a cheaper
        softplus.
        """
        x = coefficients @ self.target_components + self.target_mean
        return (x + torch.sqrt(x * x + 4 * SOFTNESS**2)) * (0.5 * self.output_scale)

    def forward(self, inputs: torch.Tensor, scalars: torch.Tensor) -> torch.Tensor:
        """Spectra of every member, (k, n, m), in the unit of the targets."""
        return self.decode(self.coefficients(self.encode(inputs, scalars)))


class Perceptron(Network):
    """Hidden layers of `width` units, `depth` of them, SiLU, on the encoded inputs; the last layer starts at 0 above
    the ridge.

    Parameters: weight_i (k, in, out), offset_i (k, 1, out).
    """

    def __init__(self, hyper: Hyper, sizes: dict):
        super().__init__(hyper, sizes)
        self.layers([sizes["encoded"], *[hyper.width] * hyper.depth, sizes["coefficients"]])

    def layers(self, widths: list[int]) -> None:
        self.count = len(widths) - 1
        for i, (before, after) in enumerate(zip(widths, widths[1:])):
            self.register_parameter(f"weight_{i}", nn.Parameter(torch.zeros(self.hyper.members, before, after)))
            self.register_parameter(f"offset_{i}", nn.Parameter(torch.zeros(self.hyper.members, 1, after)))

    def reset(self, generator: torch.Generator, spread: float) -> None:
        """Random weights; `spread` is the norm of a typical encoded row, so that first activations are near 1."""
        for name, parameter in self.named_parameters():
            if name.startswith(("weight", "filter")):
                gain = (
                    1 / spread
                    if name == "weight_0"
                    else (2 / (parameter.shape[-2] if parameter.ndim == 3 else 1)) ** 0.5
                )
                last = name == f"weight_{self.count - 1}"
                parameter.data.normal_(generator=generator).mul_(0 if last and self.hyper.skip else gain)
            else:
                parameter.data.zero_()

    def hidden(self, encoded, masks):
        h = encoded.expand(self.hyper.members, *encoded.shape[-2:])
        for i in range(self.count):
            h = torch.baddbmm(getattr(self, f"offset_{i}"), h, getattr(self, f"weight_{i}"))
            if i < self.count - 1:
                h = nn.functional.silu(h)
                if masks:
                    h = h * masks[i]
        return h

    def hidden_units(self) -> list[int]:
        return [getattr(self, f"weight_{i}").shape[-1] for i in range(self.count - 1)]


class Convolution(Perceptron):
    """Two 1-D convolutions of `filters` filters along the energy axis, each followed by SiLU and averaging of bin
    pairs, then hidden layers as in Perceptron. Encoded rows hold the scaled bins besides what the ridge sees.

    Parameters: filter_0 (k * filters, c, kernel), filter_1 (k * filters, filters, kernel); members are groups of
    channels.
    """

    def __init__(self, hyper: Hyper, sizes: dict):
        super().__init__(hyper, sizes)
        self.filter_0 = nn.Parameter(torch.zeros(hyper.members * hyper.filters, sizes["channels"], hyper.kernel))
        self.filter_1 = nn.Parameter(torch.zeros(hyper.members * hyper.filters, hyper.filters, hyper.kernel))

    def layers(self, widths: list[int]) -> None:
        if self.sizes["bins"] < 4:
            raise DataError(
                f"A convolution needs at least 4 energy bins; there are {self.sizes['bins']}. Widen the window."
            )
        flat = self.hyper.filters * (self.sizes["bins"] // 4) + self.sizes["scalars"]
        super().layers([flat, *widths[1:]])

    def reset(self, generator: torch.Generator, spread: float) -> None:
        super().reset(generator, (self.weight_0.shape[1] / 2) ** 0.5)
        for parameter, inputs in ((self.filter_0, self.sizes["channels"]), (self.filter_1, self.hyper.filters)):
            parameter.data.normal_(generator=generator).mul_((2 / (inputs * self.hyper.kernel)) ** 0.5)

    def encode(self, inputs, scalars):
        bins = self.scaled(inputs).flatten(1)
        return torch.cat([bins @ self.input_components, self.scaled_scalars(scalars), bins], 1)

    def linear_inputs(self, encoded):
        return encoded[:, : self.skip_weight.shape[1]]

    def hidden(self, encoded, masks):
        k, s, known = self.hyper.members, self.sizes["scalars"], self.skip_weight.shape[1]
        x = (
            encoded[:, known:].reshape(len(encoded), self.sizes["channels"], self.sizes["bins"])
            * self.sizes["bins"] ** 0.5
        )
        x = nn.functional.conv1d(x, self.filter_0, padding="same")
        x = nn.functional.avg_pool1d(nn.functional.silu(x), 2)
        x = nn.functional.conv1d(x, self.filter_1, padding="same", groups=k)
        x = nn.functional.avg_pool1d(nn.functional.silu(x), 2)
        x = x.reshape(len(encoded), k, -1).transpose(0, 1)
        return super().hidden(torch.cat([x, encoded[:, known - s : known].expand(k, -1, -1)], 2), masks)


CLASSES = {"mlp": Perceptron, "conv": Convolution, "linear": Network}


def build(hyper: Hyper, sizes: dict) -> Network:
    """An untrained network; every number in it is 0 until `fitted` or a stored file fills it."""
    return CLASSES[hyper.kind](hyper, sizes)


def fitted(hyper: Hyper, dataset: Dataset, seed: int, targets: np.ndarray | None = None) -> Network:
    """A network with random weights whose scales and components come from a Dataset of n training rows.

    targets: rows (any number, m) to take the target components from, if other than those of the dataset.
    """
    x, s, y = dataset.inputs.astype(float), dataset.scalars.astype(float), dataset.targets.astype(float)
    rows, channels, bins = x.shape
    mean = x.mean(0)
    scale = np.sqrt(((x - mean) ** 2).mean(0).sum(1))
    scale = np.maximum(scale, 1e-3 * scale.max() or 1.0)  # a channel that does not vary must not explode
    scalar_mean, scalar_scale = s.mean(0), np.maximum(s.std(0), 1e-3 * np.abs(s).max(0, initial=1e-6)) / SCALAR_WEIGHT
    flat = ((x - mean) / scale[:, None]).reshape(rows, -1)
    input_components = components(flat, hyper.input_variance)
    output_scale = np.abs(y).mean() or 1.0
    target_mean = y.mean(0) / output_scale
    target_components = components(
        (y if targets is None else targets) / output_scale - target_mean, hyper.target_variance
    ).T
    sizes = {
        "channels": channels,
        "bins": bins,
        "scalars": s.shape[1],
        "inputs": input_components.shape[1],
        "encoded": input_components.shape[1] + s.shape[1],
        "coefficients": len(target_components),
        "targets": y.shape[1],
    }
    network = build(hyper, sizes)
    for name, value in {
        "input_mean": mean,
        "input_scale": scale,
        "scalar_mean": scalar_mean,
        "scalar_scale": scalar_scale,
        "input_components": input_components,
        "target_components": target_components,
        "target_mean": target_mean,
        "output_scale": np.asarray(output_scale),
    }.items():
        getattr(network, name).copy_(torch.from_numpy(np.array(value, np.float32)))
    if isinstance(network, Perceptron):
        network.reset(torch.Generator().manual_seed(seed), (channels + SCALAR_WEIGHT**2 * s.shape[1]) ** 0.5)
    return network
