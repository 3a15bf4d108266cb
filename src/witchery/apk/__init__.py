"""The formats of apk: versions, dependencies, packages, indexes, archives, signatures, databases."""
