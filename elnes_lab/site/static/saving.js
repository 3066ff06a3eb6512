// Below a figure: SVG and PNG (the dashboard's image.js, which draws them in the browser) and a CSV of what is shown.
import image from "./image.js";
import { Traits, button, element, save } from "./widget.js";
import { figureTable } from "./plots.js";

// target: class of the figure in the card of the buttons; described(): parts of the file's name, and a title.
// table(): text of the CSV, if it is not what the figure shows.
export function saving(app, { target, described, help, hidden = [], table = null }) {
  const traits = new Traits({ sizes: app.words.sizes, help, target, hidden, name: "elnes-lab", title: "" });
  const images = element("div"), made = element("div", { class: "elnes-saving" }, images);
  const refresh = () => {
    const [parts, title] = described();
    const words = parts.join(" ").normalize("NFKD").toLowerCase().replaceAll(/[^a-z0-9.]+/g, "-").replaceAll(/^-+|-+$/g, "");
    traits.set("name", `elnes-${words}`.slice(0, 80));
    traits.set("title", title);
  };
  made.addEventListener("click", refresh, true); // before the button that was pressed looks at them
  image.render({ model: traits, el: images });
  made.append(button("CSV", `${help} as a table`, () => {
    const figure = made.closest(".elnes-card").querySelector(`.${target}`);
    const notes = [...app.words.notes, described()[1]];
    save(`${traits.get("name")}.csv`, "text/csv", table ? table(notes) : figureTable(figure, notes));
  }, "elnes-button"));
  return made;
}
