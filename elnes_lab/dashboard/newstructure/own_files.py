"""The rows that were computed on the New structure panel as files: steps, a database, or added to the database of a folder."""

from typing import TYPE_CHECKING

from ...errors import DataError

if TYPE_CHECKING:
    from ...sources.calculations.calculation import Calculation


class OwnFiles:
    """Files of the calculations of a CalculationModel."""

    def __init__(self, model) -> None:
        self.model = model

    def steps(self) -> tuple | None:
        """(file name, bytes) of the steps of the calculation shown. DataError if no spectrum is finished."""
        from ...own_rows import steps_zip

        one = self._current()
        return f"elnes-lab-{one.steps.name}.zip", steps_zip([one])

    def database(self) -> tuple:
        """(file name, bytes) of a database of all that is finished here. DataError if no spectrum is."""
        from ...own_rows import own_database

        self._current()
        return "my-silicon-oxides.nc", own_database(self.model.mine, self.model.place.root / "scratch")

    def _current(self) -> "Calculation":
        if self.model.current is None:
            raise DataError("Nothing is computed of this structure yet. Start a calculation first.")
        return self.model.current

    def add(self, folder) -> None:
        """Add all that is finished here to the database in a folder of this machine: for its only user."""
        from ...own_rows import add_rows

        model, folder = self.model, folder.strip()
        if model.shared:
            raise DataError("A page of a server writes no files there. Download the steps or the database instead.")
        if not folder:
            model.problem = "Name the folder of your database, for example my-database."
            return

        def done(info) -> None:
            model.note = f"Added. The database in {folder} now has spectra: {info['spectra']}."

        model.wish(lambda: add_rows(model.mine, folder), done)
