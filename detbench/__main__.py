"""`python -m detbench` is the command line."""

from detbench.cli.main import main

main()
