"""Why packages are in an image: what asks for what, the ways to a package, and what hangs on it."""
