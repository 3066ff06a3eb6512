"""The shipped model on glass, which it was never trained on: the worst sites, and the figure of one with its 90 % band.

python examples/predict.py [FOLDER] [MODEL]          writes predicted.html; MODEL: a folder, a .zip of the dashboard, a name
"""

import sys
from pathlib import Path

import elnes_lab
from elnes_lab.figures.training import spectra_trio
from elnes_lab.learning import Dataset, load, metrics, usable


def main(folder, name="ensemble-pdos"):
    with elnes_lab.open_database() as db:
        model = load(name, db)
        if model.warning:
            print(model.warning)
        glass = db.query("kind == 'amorphous'")
        glass = glass[usable(glass, model.choice, model.target)[0]][:12]
        data = Dataset.from_database(glass, model.choice, model.target)
    prediction = model.predict(data)
    errors = metrics.mse(data, prediction.mean)
    order = errors.argsort()
    for i in order[::-1][:5]:
        print(f"{data.sites[i]}: MSE {errors[i]:.4f}")
    three, size = order[[0, len(order) // 2, -1]], len(data.target_energy)

    def isotropic(values):  # of a model that tells x, y and z apart: their mean
        return values.reshape(len(values), model.target.curves, size).mean(axis=1)

    figure = spectra_trio(
        data.target_energy,
        isotropic(data.targets)[three],
        titles=list(data.sites[three]),
        zero=model.target.alignment,
        curves={"predicted": isotropic(prediction.mean)[three]},
        height=380,
    )
    figure.update_layout(paper_bgcolor="white").write_html(folder / "predicted.html", include_plotlyjs=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."), *sys.argv[2:3])
