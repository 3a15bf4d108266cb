"""A process of its own that fetches a repository: for tests of many processes, of killing, and of limits.

Arguments: location, cache folder, key file, times. Prints the digests of the data segments, once per time.
"""

import resource
import sys
from pathlib import Path

from support.fetching import Place
from witchery.errors import WitcheryError
from witchery.keys import Keyring
from witchery.repository.keyrings import read_keys
from witchery.value import replace


def main(location: str, cache: str, key_file: str, times: str, file_limit: str = "") -> int:
    if file_limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(file_limit), int(file_limit)))
    place = Place(location, Path(cache), keys=Keyring(read_keys(Path(key_file))))
    place = replace(place, max_age=0.0)
    try:
        for _ in range(int(times)):
            found = place.fetch()
            blobs = place.access(None).cache.blobs
            for each in found:
                for _chunk in blobs.content(each.archive.data).chunks():
                    pass
            print(",".join(each.archive.data.hex[:12] for each in found), flush=True)
    except WitcheryError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
