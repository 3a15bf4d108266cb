"""From a world to a solution: which packages, in which order, and why each of them.

The answer is the one that apk-tools 3 gives for an empty root. Its search never takes a decision back: it
draws all conclusions from what is known, decides one name, and goes on. So the order of decisions is part of
the answer.

    source       repositories with their indexes and tags
    catalogue    names, and which packages provide them
    state        what is known about names and packages while one world is solved
    propagation  the conclusions: exclusions, requirements, triggered conditions
    preference   which name is decided next, and which of its packages is preferred
    discovery    what a world can reach, and in which order it is looked at
    search       the loop
    order        the order of installation
    attempt      one run of the search, as a solution
    solution     the answer, with its reasons
    explain      why there is none, in words
    minimise     the smallest part that still collides
    complete     a complete search, for worlds that apk gives up
    suggest      what to add to such a world
    solver       the door: `solve`
"""
