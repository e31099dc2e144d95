"""`python -m detbench` is the command line."""

from detbench.cli.main import main

if __name__ == "__main__":  # processes that it starts import this file anew
    main()
