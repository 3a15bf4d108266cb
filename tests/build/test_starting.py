"""What is said where the program to start is not there: only what is there is offered instead."""

from support.packages import make_part
from witchery.build.starting import unstartable
from witchery.compose import tree
from witchery.compose.composition import compose
from witchery.config.model import Entrypoint, ImageConfig
from witchery.payload.findings import Program
from witchery.rootfs.accounts import Accounts


def test_a_program_that_was_only_thought_of_is_not_offered() -> None:
    part = make_part("app", files={"app/hello": b"1", "app/data": b"2"}, modes={"app/hello": 0o755})
    composition = compose(tree.merge([part]), world=(), arch="x86_64", accounts=Accounts())
    config = ImageConfig(entrypoint=Entrypoint(command=("/usr/bin/node", "server.js")))
    programs = [
        Program(("/usr/bin/node", "server.js"), "declared", 0),
        Program(("/app/data",), "a file", 3),
        Program(("/app/hello",), "a program", 2),
    ]
    (finding,) = unstartable(composition.assembly, config, programs)
    assert "is not in the image: `/usr/bin/node`" in str(finding)
    assert finding.hints == ("There is `/app/hello`.", "If a package brings it: `-p cmd:node`.")
