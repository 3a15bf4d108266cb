"""The use cases, as short sequences over the rooms below: build, run, show, index, ..."""
