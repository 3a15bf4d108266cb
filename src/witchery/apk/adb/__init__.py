"""apk version 3: packages and indexes as small databases ("ADB", apk-v3(5)).

From the outside in: `container` unpacks a file and cuts it into blocks; `signature` says who vouches for the
first block; `values` is the notation of that block, `schema` what packages and indexes say in it; `files`
is what a package installs; `package` and `index` are whole files.

An ADB says what a version 2 package or index says, and it becomes the same values: a `PackageInfo`, entries,
an `Archive`, an `Index`. Nobody else has to know which version a package is of, but for one thing: it is no
tar archive, so it never is a layer as it is.
"""
