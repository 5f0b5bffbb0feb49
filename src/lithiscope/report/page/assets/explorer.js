// The interactive map: a picture of a layer in a frame, its cursor, and what a pixel holds.

class Explorer {
  constructor(root, data, layers, labels) {
    Object.assign(this, { root, data, layers, labels });
    [this.rows, this.columns] = data.size;
    this.frame = 0;
    this.layer = 0;
    this.cursor = null;
    this.timer = null;
    this.find = (selector) => root.querySelector(selector);
    this.connect();
    this.regions = new RegionView(this);
    this.draw();
  }

  connect() {
    followFrames(this);
    const slider = this.find(".frame");
    slider.addEventListener("input", () => this.show(Number(slider.value)));
    this.find(".layer").addEventListener("change", (event) => { this.layer = Number(event.target.value); this.draw(); });
    this.find(".play").addEventListener("click", () => this.play());
    const map = this.find(".map");
    map.addEventListener("pointermove", (event) => this.point(event));
    map.addEventListener("pointerdown", (event) => this.point(event));
    map.addEventListener("keydown", (event) => this.step(event));
    new ResizeObserver(() => this.draw()).observe(this.find(".stage"));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    if (this.data.frames.length < 2) {
      this.find(".play").hidden = true;
      this.find(".time").hidden = true;
    }
  }

  /** Show a frame, and tell the rest of the page unless it was the page that asked. */
  show(frame, quiet = false) {
    this.frame = frame;
    this.find(".frame").value = String(frame);
    this.draw();
    if (!quiet) tellFrame(this, this.data.frames[frame].number);
  }

  /** Show the scan of this number, or the nearest that the map holds. */
  follow(number) {
    const away = this.data.frames.map((frame) => Math.abs(frame.number - number));
    this.show(away.indexOf(Math.min(...away)), true);
  }

  play() {
    const button = this.find(".play");
    const running = this.timer !== null;
    if (running) {
      clearInterval(this.timer);
      this.timer = null;
    } else {
      this.timer = setInterval(() => this.show((this.frame + 1) % this.data.frames.length), 400);
    }
    // A screen reader would never come to the end of what changes with every frame.
    [".readout", ".numbers"].forEach((part) => this.find(part).setAttribute("aria-live", running ? "polite" : "off"));
    button.textContent = running ? "Play" : "Pause";
    button.setAttribute("aria-pressed", String(!running));
  }

  /** Code of a layer at a pixel; layers with one frame hold for all. */
  code(layer, row, column, frame = this.frame) {
    const at = layer.frames === 1 ? 0 : frame;
    return layer.codes[(at * this.rows + row) * this.columns + column];
  }

  value(layer, row, column, frame = this.frame) {
    return this.valueAt(layer, row * this.columns + column, frame);
  }

  /** Value at a place (row * columns + column); null where there is none. */
  valueAt(layer, place, frame) {
    return packedValue(layer, (layer.frames === 1 ? 0 : frame) * this.rows * this.columns + place, this.data.levels);
  }

  byKey(key) {
    return this.layers.find((layer) => layer.key === key);
  }

  label(row, column) {
    const which = this.data.frames[this.frame].label;
    return which < 0 ? 0 : this.labels[(which * this.rows + row) * this.columns + column];
  }

  colour(layer, row, column) {
    const code = this.code(layer, row, column);
    if (code === NOT_TRUSTED) return HATCH[((row + column) >> 1) % 2];
    if (code === NO_MATERIAL) return BACKGROUND;
    const [low, high] = layer.shown;
    const share = (this.value(layer, row, column) - low) / (high - low);
    const index = Math.round(255 * Math.min(1, Math.max(0, share)));
    let bright = 1;
    const amount = this.byKey("amount");
    if (layer.key === "x" && amount) {
      bright = Math.min(1, Math.max(0, (this.value(amount, row, column) ?? 0) / this.full()));
    }
    return [0, 1, 2].map((k) => Math.round(layer.colours[3 * index + k] * bright));
  }

  full() {
    return this.data.full_brightness || 1;
  }

  draw() {
    const map = this.find(".map");
    const width = map.clientWidth;
    if (!width) return;
    const aspect = (this.rows * this.data.pixel[0]) / (this.columns * this.data.pixel[1]);
    const height = Math.min(width * aspect, 620);
    map.style.height = `${height}px`;
    const across = Math.min(width, height / aspect);
    this.place = { left: (width - across) / 2, width: across, height };
    const key = [this.layer, this.frame, width, height, window.devicePixelRatio].join();
    if (key !== this.key) this.base = this.drawBase(width, height);
    this.key = key;
    const context = sharp(map, width, height);
    context.drawImage(this.base, 0, 0, width, height);
    this.drawCursor(context);
    this.regions.draw(context);
    const frame = this.data.frames[this.frame];
    const total = this.data.total_frames;
    this.find(".stamp").textContent = `${frame.text} · scan ${frame.number} of ${total}` + (frame.direction ? ` · ${frame.direction}` : "");
    this.find(".frame").setAttribute("aria-valuetext", this.find(".stamp").textContent);
    this.drawScale();
    this.read();
  }

  /** The map without its cursor, kept until layer, frame or size change. */
  drawBase(width, height) {
    const canvas = document.createElement("canvas");
    const context = sharp(canvas, width, height);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.picture(), this.place.left, 0, this.place.width, height);
    this.drawOutlines(context);
    this.drawScaleBar(context);
    return canvas;
  }

  picture() {
    const layer = this.layers[this.layer];
    const canvas = document.createElement("canvas");
    canvas.width = this.columns;
    canvas.height = this.rows;
    const context = canvas.getContext("2d");
    const image = context.createImageData(this.columns, this.rows);
    for (let row = 0; row < this.rows; row += 1) {
      // y grows upwards on the screen; a flipped stage stores its top row first.
      const line = this.data.flipped ? row : this.rows - 1 - row;
      for (let column = 0; column < this.columns; column += 1) {
        image.data.set([...this.colour(layer, row, column), 255], 4 * (line * this.columns + column));
      }
    }
    context.putImageData(image, 0, 0);
    return canvas;
  }

  /** Screen position of the upper left corner of a pixel. */
  corner(row, column) {
    const line = this.data.flipped ? row : this.rows - 1 - row;
    const { left, width, height } = this.place;
    return [left + (column * width) / this.columns, (line * height) / this.rows, width / this.columns, height / this.rows];
  }

  /** Screen position and size of a region. */
  box({ rows, columns }) {
    const { left, width, height } = this.place;
    const first = this.data.flipped ? rows[0] : this.rows - rows[1];
    const [w, h] = [width / this.columns, height / this.rows];
    return [left + columns[0] * w, first * h, (columns[1] - columns[0]) * w, (rows[1] - rows[0]) * h];
  }

  drawOutlines(context) {
    if (this.data.frames[this.frame].label < 0) return;
    context.strokeStyle = "rgba(244,246,250,.85)";
    context.lineWidth = 1;
    context.beginPath();
    for (let row = 0; row < this.rows; row += 1) {
      for (let column = 0; column < this.columns; column += 1) {
        const here = this.label(row, column);
        const [x, y, w, h] = this.corner(row, column);
        if (column + 1 < this.columns && this.label(row, column + 1) !== here) { context.moveTo(x + w, y); context.lineTo(x + w, y + h); }
        const lower = this.data.flipped ? y + h : y;
        if (row + 1 < this.rows && this.label(row + 1, column) !== here) { context.moveTo(x, lower); context.lineTo(x + w, lower); }
      }
    }
    context.stroke();
  }

  drawScaleBar(context) {
    const micrometres = this.columns * this.data.pixel[1];
    const power = 10 ** Math.floor(Math.log10(micrometres / 4));
    const length = [5, 2, 1].map((step) => step * power).find((step) => step <= micrometres / 4 + 1e-9);
    const across = (length / micrometres) * this.place.width;
    const [left, low] = [this.place.left + 14, this.place.height - 16];
    context.fillStyle = "#fff";
    context.fillRect(left, low, across, 4);
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.strokeStyle = "#12151b";
    context.lineWidth = 3;
    const text = length >= 1 ? `${Number(length.toPrecision(2))} µm` : `${Number((1000 * length).toPrecision(2))} nm`;
    context.strokeText(text, left + across / 2, low - 5);
    context.fillText(text, left + across / 2, low - 5);
  }

  drawCursor(context) {
    if (!this.cursor) return;
    const [x, y, w, h] = this.corner(...this.cursor);
    context.strokeStyle = "#fff";
    context.lineWidth = 2;
    context.strokeRect(x - 1, y - 1, w + 2, h + 2);
  }

  drawScale() {
    const canvas = this.find(".scale");
    const layer = this.layers[this.layer];
    const width = canvas.clientWidth;
    const context = sharp(canvas, width, canvas.clientHeight);
    for (let k = 0; k < width; k += 1) {
      const index = Math.round((255 * k) / (width - 1));
      context.fillStyle = `rgb(${[0, 1, 2].map((c) => layer.colours[3 * index + c]).join(",")})`;
      context.fillRect(k, 0, 1, 16);
    }
    context.fillStyle = css("--muted");
    context.font = "12px system-ui, sans-serif";
    const [low, high] = layer.shown;
    [[low, "left", 0], [(low + high) / 2, "center", width / 2], [high, "right", width]].forEach(([value, align, at]) => {
      context.textAlign = align;
      context.fillText(layer.key === "x" ? String(value) : digits(value), at, 30);
    });
    context.textAlign = "left";
    context.fillText(layer.title + (layer.unit ? ` / ${layer.unit}` : ""), 0, 46);
  }

  /** The pixel (row, column) under the pointer; off the map null if `strict`, else the nearest. */
  pixelAt(event, strict = false) {
    const map = this.find(".map");
    const box = map.getBoundingClientRect();
    const column = Math.floor(((event.clientX - box.left - map.clientLeft - this.place.left) / this.place.width) * this.columns);
    const line = Math.floor(((event.clientY - box.top - map.clientTop) / this.place.height) * this.rows);
    const [near, across] = [Math.min(this.rows - 1, Math.max(0, line)), Math.min(this.columns - 1, Math.max(0, column))];
    if (strict && (near !== line || across !== column)) return null;
    return [this.data.flipped ? near : this.rows - 1 - near, across];
  }

  point(event) {
    const pixel = this.pixelAt(event, true);
    if (!pixel) return;
    this.cursor = pixel;
    this.draw();
  }

  step(event) {
    const step = { ArrowUp: [1, 0], ArrowDown: [-1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = this.cursor || [this.rows >> 1, this.columns >> 1];
    const down = this.data.flipped ? -1 : 1;
    const clamp = (value, most) => Math.min(most - 1, Math.max(0, value));
    const far = event.shiftKey ? 5 : 1;
    this.cursor = [clamp(row + far * down * step[0], this.rows), clamp(column + far * step[1], this.columns)];
    this.regions.follow();
    this.draw();
  }

  read() {
    if (!this.cursor) return;
    const [row, column] = this.cursor;
    const lines = [this.readX(row, column)];
    this.layers.filter((layer) => !["x", "std"].includes(layer.key)).forEach((layer) => {
      const value = this.value(layer, row, column);
      if (value !== null) lines.push(`${layer.title}: ${digits(value)}${layer.unit ? ` ${layer.unit}` : ""}`);
    });
    const name = this.label(row, column);
    if (name) lines.push(`particle ${this.data.names[name] ?? name}`);
    const up = this.data.flipped ? -1 : 1;
    const y = this.data.origin[0] + up * (row + 0.5) * this.data.pixel[0];
    const x = this.data.origin[1] + (column + 0.5) * this.data.pixel[1];
    lines.push(`at x ${x.toFixed(3)}, y ${y.toFixed(3)} µm` + (this.data.bins > 1 ? ` (${this.data.bins} × ${this.data.bins} pixels)` : ""));
    this.find(".readout").textContent = lines.join("\n");
    this.drawTrace(row, column);
  }

  readX(row, column) {
    const code = this.code(this.layers[0], row, column);
    if (code === NOT_TRUSTED) return "x: no trusted value";
    if (code === NO_MATERIAL) return "too little material";
    const std = this.byKey("std");
    const error = std ? this.value(std, row, column) : null;
    const x = this.value(this.layers[0], row, column).toFixed(3).replace("-", "−");
    return error === null ? `x = ${x}` : `x = ${x} ± ${error.toFixed(3)}`;
  }

  drawTrace(row, column) {
    const canvas = this.find(".trace");
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const context = sharp(canvas, width, height);
    const times = this.data.frames.map((frame) => frame.minutes);
    if (times.length < 2) return;
    const [left, right, top, bottom] = [28, width - 8, 8, height - 32];
    const across = (minutes) => left + ((right - left) * (minutes - times[0])) / (times[times.length - 1] - times[0]);
    const up = (x) => bottom - (bottom - top) * Math.min(1.1, Math.max(-0.1, x)) ;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = css("--muted");
    context.strokeStyle = css("--line");
    [0, 0.5, 1].forEach((value) => {
      context.beginPath(); context.moveTo(left, up(value)); context.lineTo(right, up(value)); context.stroke();
      context.textAlign = "right"; context.fillText(String(value), left - 5, up(value) + 4);
    });
    context.textAlign = "left"; context.fillText(times[0].toFixed(1), left, height - 16);
    context.textAlign = "right"; context.fillText(times[times.length - 1].toFixed(1), right, height - 16);
    context.textAlign = "center"; context.fillText("x of this pixel against time / min", (left + right) / 2, height - 2);
    const std = this.byKey("std");
    times.forEach((minutes, frame) => {
      const x = this.value(this.layers[0], row, column, frame);
      if (x === null) return;
      const here = frame === this.frame;
      context.strokeStyle = context.fillStyle = here ? css("--ink") : css("--accent");
      const error = std ? this.value(std, row, column, frame) : null;
      if (error !== null) {
        context.beginPath(); context.moveTo(across(minutes), up(x - error)); context.lineTo(across(minutes), up(x + error)); context.stroke();
      }
      context.beginPath(); context.arc(across(minutes), up(x), here ? 4 : 2.5, 0, 7); context.fill();
    });
  }
}

async function startExplorer(root) {
  const data = JSON.parse(root.querySelector("script").textContent);
  const layers = await Promise.all(data.layers.map(async (layer) => ({
    ...layer,
    codes: await inflate(layer.codes),
    colours: Uint8Array.from(atob(layer.colours), (character) => character.charCodeAt(0)),
  })));
  const labels = data.labels ? await inflate(data.labels) : null;
  data.spectra = await unpackSpectra(data.spectra);
  root.explorer = new Explorer(root, data, layers, labels);
  root.dataset.ready = "yes";
}
