"""Rows computed from the structure alone, by Quantum ESPRESSO and a Lanczos recursion.

    settings, engine            what is computed how well; the programs that compute it
    upf, pseudopotentials       made from their inputs by ld1.x on first use
    cells, inputs, outputs      supercells and k points; what the programs read and print
    ground, core_hole           the steps: ground state with PDOS; core-hole density; spectrum
    hamiltonian, recursion      the spectrum in the frozen potential of the core-hole density
    checks                      what a step must satisfy before it is stored
    structures, plan            which steps a file of structures asks for, and what they cost
    folder, queue, pools        results, locks, reasons; which step is next; who does it, here or on a cluster

docs/how-to/compute.md says how to use it.
"""
