"use strict";
// What the other scripts of the page share: packed numbers, colours of the page, canvases, frames. Nothing is fetched.
// The scripts of this folder are joined into one script element, start.js last (see render.py).

const NO_MATERIAL = 65535;
const NOT_TRUSTED = 65534;
const BACKGROUND = [18, 21, 27];
const HATCH = [[126, 132, 140], [176, 181, 188]];

async function inflate(text) {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint16Array(await new Response(stream).arrayBuffer());
}

/** The number behind a code of a packed layer; null where there is none. */
function packedValue(layer, index, levels) {
  const code = layer.codes[index];
  return code >= NOT_TRUSTED ? null : layer.low + ((layer.high - layer.low) * code) / levels;
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function digits(value) {
  if (value === null) return "–";
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : size >= 0.1 ? value.toFixed(3) : value.toPrecision(2);
  return text.replace("-", "−");
}

/** A canvas as sharp as the screen; returns its context, scaled to CSS pixels. */
function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  return context;
}

/** Tell all parts of the page which scan is shown; each follows unless it is the one that tells. */
function tellFrame(from, number) {
  document.dispatchEvent(new CustomEvent("lithiscope-frame", { detail: { from, number } }));
}

function followFrames(part) {
  document.addEventListener("lithiscope-frame", (event) => {
    if (event.detail.from !== part) part.follow(event.detail.number);
  });
}

/** Let the reader save a csv file. */
function download(name, text) {
  const link = document.createElement("a");
  link.href = `data:text/csv;base64,${btoa(text)}`;
  link.download = name;
  link.click();
}
