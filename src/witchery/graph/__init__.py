"""Why packages are in an image: the graph of what asks for what, its paths, and what hangs on each package."""
