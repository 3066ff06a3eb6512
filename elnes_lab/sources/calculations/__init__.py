"""First-principles calculations of structures that somebody brings, in the background of a page or a program.

    request     what is computed: the smallest cell of a structure, and what that costs
    place       the folder of calculations: started, looked at, cancelled, removed; a folder and a secret name for each
    slots       how many are done at once, and whose turn it is
    worker      the process that does one, which outlives whoever started it

>>> place = Calculations(most=1)
>>> calculation = place.start(request(atoms, "my quartz.cif", [3]), 3)
>>> calculation.state().kind
'running'
"""
