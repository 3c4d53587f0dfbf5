"""`volundr` whose forge starts a dead process again at once, however often it dies: `python eager.py up`."""

from volundr.__main__ import main
from volundr.local import supervisor

if __name__ == "__main__":
    supervisor.STEADY_SECONDS = 0.0
    main()
