"""What energies count from and in what unit intensity is drawn: a click on any page, the same on all pages, and remembered."""

import ipywidgets as ipw

from .widgets import control
from .words import MEAN, OWN, OWN_ZEROS

SHARED = {OWN: "onset"}  # what that is called among the pages


class Held:
    """A choice of the session that a link sets as it would the value of a control: for this visit, not for the next one."""

    def __init__(self, session, name) -> None:
        self.session, self.name = session, name

    @property
    def value(self) -> str:
        return getattr(self.session, self.name)

    @value.setter
    def value(self, value) -> None:
        setattr(self.session, self.name, SHARED.get(value, value))


class ScaleButtons:
    """The two groups of buttons of a page, `controls`; `groups`: trait -> ToggleButtons; `linked`: trait -> what a link sets.

    model: its traits zero and intensity follow; session: the Session, which has the same traits for all pages, empty until
    something is chosen, and `choose`. zeros, intensities: (text, value, help) of each button, first what the page has while
    nothing is chosen; without any there is nothing to choose. An edge that the page does not have means its own.
    """

    def __init__(self, model, session, zeros, intensities=()) -> None:
        self.model, self.session, self.groups, self.linked, self.controls = model, session, {}, {}, []
        for name, label, buttons in (("zero", "Energy zero", zeros), ("intensity", "Intensity", intensities)):
            if not buttons:
                continue
            group = ipw.ToggleButtons(
                options=[(text, value) for text, value, _ in buttons],
                value=getattr(model, name),
                tooltips=[help for *_, help in buttons],
            )
            group.observe(lambda change, name=name: self._chosen(name, change.new), "value")
            self.groups[name] = group
            self.linked[name] = Held(session, name)
            self.controls.append(control(label, group))
        session.observe(self._follow, list(self.groups))
        self._follow()

    def _chosen(self, name, value) -> None:
        if value != getattr(self.model, name):
            self.session.choose(**{name: SHARED.get(value, value)})

    def _follow(self, change=None) -> None:
        for name, group in self.groups.items():
            values = [value for _, value in group.options]
            wanted = getattr(self.session, name)
            if wanted and wanted not in values and OWN in values:
                wanted = OWN
            setattr(self.model, name, wanted if wanted in values else values[0])
            group.value = getattr(self.model, name)


__all__ = ["MEAN", "OWN_ZEROS", "Held", "ScaleButtons"]
