#!/usr/bin/env python
"""Django's command line for Ops-Center."""

import os
import sys

from opscenter.command_line import execute

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "opscenter.settings")
    execute(sys.argv)
