"""Services under s6."""

from support.effects import NOTHING, effects_of, rows, texts
from support.packages import make_part
from witchery.config.model import Entrypoint, ImageConfig

CONFIG = ImageConfig(
    base=NOTHING.base,
    entrypoint=Entrypoint(type="service-bundle", services={"web": "nginx -g 'daemon off;'", "app": "/app"}),
)
S6 = make_part("s6", files={"bin/s6-svscan": b"\x7fELF", "bin/execlineb": b"\x7fELF"})


def test_each_service_is_a_folder_with_a_program() -> None:
    effects = effects_of(S6, config=CONFIG)
    made = {path: " ".join(row.split()[:3]) for path, row in rows(effects.generated).items()}
    assert made == {
        "sv": "d 0755 0:0",
        "sv/app": "d 0755 0:0",
        "sv/app/run": "f 0755 0:0",
        "sv/web": "d 0755 0:0",
        "sv/web/run": "f 0755 0:0",
    }
    assert texts(effects)["sv/web/run"] == "#!/bin/execlineb\nnginx -g 'daemon off;'\n"
    assert effects.warnings == ()


def test_without_the_programs_of_s6_there_is_a_warning() -> None:
    (warning,) = effects_of(config=CONFIG).warnings
    assert "`/bin/s6-svscan` and `/bin/execlineb`" in warning


def test_an_image_without_services_has_no_folder_for_them() -> None:
    assert effects_of(S6).generated == ()
