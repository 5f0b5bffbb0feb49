// What happens when the page is open.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.classList.contains("sort")) sortBy(button);
  if (button.classList.contains("copy")) copy(button);
  if (button.classList.contains("save")) save(button);
});
document.querySelectorAll("td.number").forEach((cell) => cell.closest("table").tHead.rows[0].cells[cell.cellIndex].classList.add("number"));
const started = [...document.querySelectorAll(".explorer")].map((root) => startExplorer(root).catch((error) => {
  root.querySelector(".readout").textContent = `The interactive map could not start: ${error.message}`;
}));
document.querySelectorAll(".voltage").forEach(startTrace);
followContents();
Promise.all(started).then(placeDrawingsSlowly);
window.addEventListener("beforeprint", placeDrawings);
