"""Scripts: which interpreters their first lines ask for."""
