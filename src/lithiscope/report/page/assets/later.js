// Heavy drawings stand as text in their places (<noscript>), so that the page opens at once; here they are put in.

function placeDrawing(place) {
  place.outerHTML = place.querySelector("noscript").textContent;
}

function placeDrawings() {
  document.querySelectorAll(".later").forEach(placeDrawing);
}

/** One after the other, from the top, and never in the way of the reader. */
async function placeDrawingsSlowly() {
  const quiet = window.requestIdleCallback || setTimeout;
  for (const place of document.querySelectorAll(".later")) {
    await new Promise((done) => quiet(done, { timeout: 200 }));
    if (place.isConnected) placeDrawing(place);
  }
  document.documentElement.dataset.drawn = "true";
}
