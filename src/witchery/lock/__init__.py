"""A solution written down with every digest, so that the same image can be built next year.

model       the values
seal        marks by which a change by hand is seen where nothing else would show it
document    values to JSON
reader      JSON with its place, for errors that name the field
decode      JSON to values, strictly
demand      what of a request matters for a lock, and how two of them differ
selection   the locked packages as a solution again: is every dependency met, and is every package wanted
changes     what moves between two locks
apko        the lock files of apko
"""
