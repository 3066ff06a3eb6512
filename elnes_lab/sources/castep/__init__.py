"""Rows from finished CASTEP calculations: a folder of them becomes steps of the raw format, and those a database.

`report` reads `.castep`, `bands` `.bands`, `cell` `.cell`, `matrix` `.elnes_bin` and `.eels_mat`, `optados` the output
of OptaDOS; `ground` and `core_hole` make the arrays of a row from them, `folder` finds what belongs together.
"""
