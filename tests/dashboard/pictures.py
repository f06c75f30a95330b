"""Pictures of the page for the papers: `python -m tests.dashboard.pictures RUN-ADDRESS [TRIAL] [FOLDER]`."""

import sys
import time
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from tests.dashboard.browser import chromium, look

SIZES = ((1440, 960), (390, 844))
COLOURS = 160  # of a picture: small files, and nothing of a calm page is lost


def take(driver: Any, path: Path) -> None:
    """Write what is seen as a small PNG."""
    seen = Image.open(BytesIO(driver.get_screenshot_as_png())).convert("RGB")
    seen.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def main() -> None:
    """Take every page light and dark, wide and narrow."""
    run, trial = sys.argv[1].rstrip("/"), sys.argv[2] if len(sys.argv) > 2 else "1"
    folder = Path(sys.argv[3] if len(sys.argv) > 3 else "docs/images")
    folder.mkdir(parents=True, exist_ok=True)
    pages = {"overview": "", "programs": "/programs", "trial": f"/trial/{trial}", "failures": "/failures",
             "steering": "/steering"}  # fmt: skip
    with chromium() as driver:
        for name, path in pages.items():
            for width, height in SIZES:
                for dark in (False, True):
                    look(driver, width, height, dark)
                    driver.get(run + path)
                    time.sleep(2.5)
                    take(driver, folder / f"page-{name}-{width}{'-dark' if dark else ''}.png")


if __name__ == "__main__":
    main()
