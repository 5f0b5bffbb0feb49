// Sortable tables, copy and save buttons, and the list of contents.

function sortBy(button) {
  const head = button.closest("th");
  const body = head.closest("table").tBodies[0];
  const column = head.cellIndex;
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  head.parentElement.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const key = (row) => {
    const cell = row.cells[column];
    if (cell.dataset.value === undefined) return cell.textContent;
    return cell.dataset.value === "" ? null : Number(cell.dataset.value);
  };
  const compare = (one, other) => {
    const [a, b] = [key(one), key(other)];
    if (a === null || b === null) return (a === null) - (b === null); // missing values last, either way
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), undefined, { numeric: true });
    return ascending ? order : -order;
  };
  body.append(...[...body.rows].sort(compare));
}

async function copy(button) {
  const text = button.parentElement.querySelector("pre");
  const selection = window.getSelection();
  selection.selectAllChildren(text);
  // The clipboard interface is missing where a page is opened from a disk.
  if (navigator.clipboard) await navigator.clipboard.writeText(text.textContent).catch(() => document.execCommand("copy"));
  else document.execCommand("copy");
  selection.removeAllRanges();
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

async function save(button) {
  const figure = button.closest("figure");
  figure.querySelectorAll(".later").forEach(placeDrawing);
  const picture = figure.querySelector("img");
  await picture.decode();
  const link = document.createElement("a");
  const drawn = button.dataset.name.endsWith(".png") && picture.src.startsWith("data:image/svg");
  link.href = drawn ? await rasterised(picture) : picture.src;
  link.download = button.dataset.name;
  link.click();
}

/** A vector figure as a PNG on white, three screen pixels to a point, whatever colours the reader prefers. */
async function rasterised(picture) {
  const [head, data] = picture.src.split(",");
  const text = new TextDecoder().decode(Uint8Array.from(atob(data), (character) => character.charCodeAt(0)));
  const light = text.replace("prefers-color-scheme:dark", "prefers-color-scheme:none");
  const bytes = new TextEncoder().encode(light);
  const image = new Image();
  image.src = `${head},${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [3 * picture.naturalWidth, 3 * picture.naturalHeight];
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}

function followContents() {
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const seen = new Set();
  const observer = new IntersectionObserver((entries) => {
    entries.forEach((entry) => (entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id)));
    const first = [...links.keys()].find((id) => seen.has(id));
    links.forEach((link, id) => (id === first ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
  });
  document.querySelectorAll("main section").forEach((section) => observer.observe(section));
}
