"use strict";
// Adds search, filters and sorting to every table that asks for them. Without this script the tables are complete.
const make = (name, set = {}, ...inside) => {
  const made = Object.assign(document.createElement(name), set);
  made.append(...inside);
  return made;
};
for (const table of document.querySelectorAll("table[data-tools]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows].filter((row) => row.className !== "empty");
  if (rows.length < 2) continue;
  const heads = [...table.tHead.rows[0].cells];
  const words = new Map();
  const text = (row) => {
    if (!words.has(row)) words.set(row, row.textContent.toLowerCase());
    return words.get(row);
  };
  const label = (cell) => cell.dataset.f ?? cell.textContent.trim();
  const key = (cell) => cell.dataset.k ?? cell.textContent.trim();
  const search = make("input", { type: "search", autocomplete: "off", spellcheck: false });
  const status = make("p", { className: "status" });
  status.setAttribute("role", "status");
  const picks = heads.flatMap((head, at) => {
    if (!("choose" in head.dataset)) return [];
    const found = [...new Set(rows.map((row) => label(row.cells[at])))];
    if (found.length < 2) return [];
    const pick = make("select", { ariaLabel: head.textContent }, make("option", { value: "", textContent: "all" }));
    for (const value of found) pick.append(make("option", { value: "=" + value, textContent: value || "not known" }));
    return [{ at, pick, name: head.textContent }];
  });
  const show = () => {
    const asked = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const row of rows) {
      const fits = asked.every((word) => text(row).includes(word)) &&
        picks.every(({ at, pick }) => !pick.value || pick.value === "=" + label(row.cells[at]));
      row.hidden = !fits;
      n += fits;
    }
    status.toggleAttribute("data-cut", n < rows.length);
    status.textContent = n < rows.length ? `Showing ${n} of ${rows.length} rows` : `${n} rows`;
  };
  heads.forEach((head, at) => {
    // A real button in a heading keeps Chromium from repeating the heading on every printed page.
    const button = make("span", { tabIndex: 0, textContent: head.textContent });
    button.setAttribute("role", "button");
    head.replaceChildren(button);
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      button.click();
    });
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = rows.map((row) => [key(row.cells[at]), row]);
      const numbers = keyed.every(([value]) => value === "" || !Number.isNaN(Number(value)));
      keyed.sort(([a], [b]) => (numbers ? Number(a) - Number(b) : a.localeCompare(b)) * (up ? 1 : -1));
      body.append(...keyed.map(([, row]) => row));
    });
  });
  search.addEventListener("input", show);
  for (const { pick } of picks) pick.addEventListener("change", show);
  const tools = make("div", { className: "tools" }, make("label", {}, "Search", search),
    ...picks.map(({ name, pick }) => make("label", {}, name, pick)), status);
  show();
  if (rows.length > 5) table.closest(".scroll").before(tools);
}
