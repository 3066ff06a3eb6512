"""Silicon oxides of the Materials Project, with the user's own key: structures for the queue, and its DOS and FEFF
spectra.

`client` talks to the server, `fetch` keeps what comes in a folder, `spectra` reads that folder. Nothing of it becomes
a row: the spectra there are FEFF's, averaged over sites, and the densities of states are VASP's. They carry these
labels and stay in files of their own.
"""
