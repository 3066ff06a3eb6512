"""Plural scattering taken out of a core-loss spectrum with the low-loss spectrum of the same place, by Fourier ratio."""

import numpy as np

from ..errors import DataError

MOST_STEPS = 200_000  # of the core loss that a low-loss spectrum may span


def fourier_ratio(energy, intensity, loss, counts, fwhm=None):
    """(single-scattering spectrum (n,), parameters found) of a core-loss spectrum without its background.

    energy (n,) eV, equally spaced, and intensity (n,); loss (m,) eV and counts (m,) of the low-loss spectrum, with its zero-loss
    peak. In Fourier space the core loss is divided by the low loss and multiplied by a Gaussian of area 1 and FWHM fwhm (eV) in
    the place of the zero-loss peak, default as wide as that: Egerton (2011), section 4.3.2. The area is kept.
    Raises DataError if the low-loss spectrum has no zero-loss peak, or ends before the plasmon.
    """
    step = energy[1] - energy[0]
    loss, counts = np.asarray(loss, float), np.maximum(np.asarray(counts, float), 0)
    top = int(counts.argmax())
    zero = loss[top]
    if not -20 < zero < 20 or counts[top] <= 0 or top in (0, len(loss) - 1):
        raise DataError(
            "The low-loss spectrum has no zero-loss peak: its highest point does not lie around 0 eV, within its range. "
            "Give the low-loss spectrum of the same place, zero-loss peak included."
        )
    if loss[-1] - zero < 30:
        raise DataError(
            f"The low-loss spectrum ends {loss[-1] - zero:.0f} eV above its zero-loss peak, before plural scattering is "
            "over. Give one that reaches 30 eV at least."
        )
    if (loss[-1] - loss[0]) / step > MOST_STEPS:
        raise DataError(
            f"The low-loss spectrum runs from {loss[0]:g} to {loss[-1]:g} eV: more than {MOST_STEPS:,} steps of the core "
            "loss. Cut out the part up to some hundred eV."
        )
    width = peak_width(loss, counts, top)
    fwhm = max(width, 2 * step) if fwhm is None else float(fwhm)
    if not fwhm > 0:
        raise DataError("The width of the zero-loss peak put back must be positive. Give it in eV.")
    # Onto the steps of the core loss, its zero at index 0, negative losses at the end. Bins, lest a narrow peak fall between points.
    size = int(2 ** np.ceil(np.log2(2 * (len(energy) + (loss[-1] - loss[0]) / step) + 1)))
    places = np.round((loss - zero) / step).astype(int)
    fine = np.diff(loss).mean()
    if fine < step:
        kernel = np.bincount(places - places[0], counts)
    else:
        kernel = np.interp(zero + step * np.arange(places[0], places[-1] + 1), loss, counts)
    wrapped = np.zeros(size)
    wrapped[np.arange(places[0], places[0] + len(kernel)) % size] = kernel
    wrapped /= wrapped.sum()
    elastic = wrapped[np.arange(-int(2 * width / step) - 1, int(2 * width / step) + 2) % size].sum()
    # The core loss is continued to zero by half a cosine, as a jump at its end would ring.
    padded = np.zeros(size)
    padded[: len(energy)] = intensity
    tail = min(size - len(energy), len(energy))
    end = float(np.mean(intensity[-10:]))
    padded[len(energy) : len(energy) + tail] = end * 0.5 * (1 + np.cos(np.pi * np.arange(1, tail + 1) / tail))
    frequency = 2 * np.pi * np.fft.rfftfreq(size, step)
    gauss = np.exp(-0.5 * (fwhm / np.sqrt(8 * np.log(2)) * frequency) ** 2)
    transform = np.fft.rfft(wrapped)
    ratio = np.divide(
        gauss, transform, out=np.zeros_like(transform), where=(np.abs(transform) > 1e-12) & (gauss > 1e-8)
    )
    made = np.fft.irfft(np.fft.rfft(padded) * ratio, size)[: len(energy)]
    return made, {
        "fwhm_eV": float(fwhm),
        "zero_loss_at_eV": float(zero),
        "t_over_lambda": float(-np.log(np.clip(elastic, 1e-6, 1))),
    }


def peak_width(loss, counts, top: int) -> float:
    """FWHM (eV) of the peak whose highest point is number `top`, linear between points."""
    half = counts[top] / 2
    sides = []
    for way in (-1, 1):
        k = top
        while 0 < k < len(loss) - 1 and counts[k] > half:
            k += way
        low, high = counts[k], counts[k - way]
        sides.append(abs(loss[k] - loss[top]) - (half - low) / max(high - low, 1e-300) * abs(loss[k] - loss[k - way]))
    return float(sum(sides))
