"""The part of the report on the learning curve."""

from .texts import fixed, plural, table


def curve(study: dict) -> list[str]:
    found = study.get("curve")
    if not found:
        return []
    lines = [
        "## What more structures would bring",
        "",
        f"Each fold's training structures thinned at random, held-out crystals by net, {plural(found['seeds'], 'seed')} of "
        f"{found['folds']} folds; the zero of the target is the spectrum's own edge.",
        "",
        *table(
            "model | groups trained on | spectra | mean MSE | median | amorphous: median",
            [
                [
                    m["model"],
                    f"{p['groups']:.0f}",
                    f"{p['spectra']:.0f}",
                    fixed(p["mse_mean"]),
                    fixed(p["mse_median"]),
                    fixed(p["amorphous_median"]),
                ]
                for m in found["models"]
                for p in m["points"]
            ],
        ),
        "",
    ]
    for m in found["models"]:
        b, low, high = m["exponent"]
        at, below, above = m["at_planned"]
        lines += [
            f"Mean error of {m['model']}: falls as the number of spectra to the power -{b:.2f} (95 % interval {low:.2f} to "
            f"{high:.2f})"
            + (
                f"; should that go on, {fixed(at)} ({fixed(below)} to {fixed(above)}) with {found['planned']} spectra to "
                "train on."
                if at is not None
                else "."
            )
        ]
    return lines + [
        "",
        "The intervals are over held-out structures. They do not tell whether the law goes on: it has to end at "
        "the noise of the reference, and new spectra help less if they are of known nets.",
        "",
    ]
