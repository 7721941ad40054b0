// Makes and changes elements. Whatever comes from records or modules goes through here as text, never as markup.

export const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

// An element; strings among the children become text.
export const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

const SVG = "http://www.w3.org/2000/svg";
export const svg = (name, attributes, ...children) =>
  fill(document.createElementNS(SVG, name), attributes, children);

// Changes a text only where it differs, so that a selection stays and a screen reader hears nothing twice.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setShown(node, isShown) {
  if (node.hidden === isShown) node.hidden = !isShown;
}

// Sets an attribute, or removes it when there is no value.
function set(node, name, value) {
  if (value === undefined || value === null) node.removeAttribute(name);
  else if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function setCell(cell, content) {
  const { text, className, title, tone, share } = typeof content === "object" ? content : { text: content };
  set(cell, "class", className);
  set(cell, "title", title);
  if (share !== undefined) {
    if (!cell.firstElementChild) cell.append(el("span", { class: "bar" }));
    cell.firstElementChild.style.width = `${(share * 100).toFixed(1)}%`;
    return;
  }
  if (tone !== undefined) {
    if (!cell.firstElementChild) cell.replaceChildren(el("span", { class: "badge" }));
    cell.firstElementChild.dataset.tone = tone;
    setText(cell.firstElementChild, text);
    return;
  }
  setText(cell, text);
}

// Shows rows of cells in a table's body, and keeps the nodes that are there. The first cell of a row is its head.
export function setRows(body, rows) {
  while (body.rows.length > rows.length) body.deleteRow(-1);
  rows.forEach((cells, place) => {
    const row = body.rows[place] ?? body.insertRow();
    cells.forEach((content, column) => {
      const head = () => row.appendChild(el("th", { scope: "row" }));
      setCell(row.cells[column] ?? (column === 0 ? head() : row.insertCell()), content);
    });
  });
}

// Shows pairs of a name and a value in a <dl>, and keeps the nodes that are there.
export function setPairs(list, pairs) {
  while (list.children.length > pairs.length) list.lastElementChild.remove();
  pairs.forEach(([name, value, note], place) => {
    const pair = list.children[place] ?? list.appendChild(el("div", null, el("dt"), el("dd"), el("dd", { class: "note" })));
    const [term, figure, remark] = pair.children;
    setText(term, name);
    setText(figure, value);
    setText(remark, note ?? "");
    setShown(remark, Boolean(note));
  });
}
