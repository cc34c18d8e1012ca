"""`python -m worker` is `autoreply`."""

from worker.cli import main

if __name__ == "__main__":
    main()
