"""The way back: from a spectrum to the structure around the oxygen, with intervals that were calibrated by structure.

>>> from elnes_lab.learning import quantify
>>> found = quantify(energy, intensity)                  # eV of energy loss or from any zero, any unit
>>> found["si_o_si_angle"].value, found["si_o_si_angle"].lower, found["si_o_si_angle"].upper
>>> print(found)                                         # every property, or "not from this spectrum", and the warnings
"""
