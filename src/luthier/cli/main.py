"""`luthier`: the commands, and what their errors look like."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

import luthier
from luthier.cli.check import check
from luthier.cli.convert import convert
from luthier.cli.evaluate import evaluate
from luthier.cli.explain import explain
from luthier.cli.export import export
from luthier.cli.fetch import fetch
from luthier.cli.predict import predict
from luthier.cli.resume import resume
from luthier.cli.train import train
from luthier.cli.tune import tune
from luthier.cli.watch import watch
from luthier.errors import LuthierError, UsageError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
                  help="Find how to fine-tune a pre-trained language model for your labelled text.")
for command in (check, tune, train, resume, watch, predict, evaluate, explain, export, fetch, convert):
    app.command()(command)


def _version(asked: bool) -> None:
    if asked:
        print(f"luthier {luthier.__version__}")
        raise typer.Exit


@app.callback()
def root(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True,
                                               help="Print the version and exit.")] = False) -> None:
    """Find how to fine-tune a pre-trained language model for your labelled text."""


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 failed, 2 wrong use, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # labels may hold any character; a console may know few
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except LuthierError as error:
        print(f"luthier: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        named = error.filename is not None and error.strerror
        print(f"luthier: {error.filename}: {error.strerror}" if named else f"luthier: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("luthier: interrupted", file=sys.stderr)
        sys.exit(130)
