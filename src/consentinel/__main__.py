"""Run the command line with `python -m consentinel`."""

from consentinel.cli.app import main

if __name__ == "__main__":
    main()
