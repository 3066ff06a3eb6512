"""The panel New structure: a structure in, predicted spectra out."""
