"""The curves of a run as a picture. What draws them is imported when somebody asks."""

import io

from training.models import TrainingRun

_LEFT = ("train_loss", "val_loss")
_RIGHT = ("train_accuracy", "val_accuracy", "tar_at_fmr", "val_eer")


def curves_png(run: TrainingRun) -> bytes:
    """Return loss on the left and shares on the right over the epochs, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    FigureCanvasAgg(figure)
    epochs = [row["epoch"] for row in run.history]
    for place, (title, names) in enumerate((("loss", _LEFT), ("share", _RIGHT)), start=1):
        axes = figure.add_subplot(1, 2, place)
        for name in names:
            if name in run.history[0]:
                axes.plot(epochs, [row[name] for row in run.history], label=name)
        axes.set_xlabel("epoch")
        axes.set_ylabel(title)
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
    figure.suptitle(run.name)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    return out.getvalue()
