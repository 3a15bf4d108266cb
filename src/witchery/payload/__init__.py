"""From an application to a package: what its files are, what they need and why, and what is wrong with them.

`tree` holds the application as values, `findings` the words in which everything is said, `scan` asks the
detectors (one module each) and puts their reports together. Nothing here opens a file or knows a repository.
"""
