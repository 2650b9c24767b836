"""`python -m sala` is `sala`."""

from sala.cli import main

if __name__ == "__main__":
    main()
