"""Reading ELF files as a loader sees them: program headers first, bounds checked, nothing trusted.

`file.read` gives an `Elf`; `header`, `segments`, `dynamic`, `symbols`, `versions`, `notes` and `sections`
hold its parts, in the words of the System V gABI;
`view`, `layout`, `memory` and `strings` are how they are read.
"""
