"""`python -m kinoloom` is the command `kinoloom`."""

from kinoloom.cli.main import main

if __name__ == "__main__":
    main()
