"""From an application to a package: what its files are, what they need and why, and what is wrong with them.

`tree` holds the application as values, `findings` the words in which everything is said, `scan` asks the
detectors and puts their reports together, `package` makes a package of it. The detectors have rooms of their
own (`native`, `scripts`, `python`, `node`, `languages`, `lint`); `hints` and `outside` look at everything.
Nothing here opens a file or knows a repository.
"""
