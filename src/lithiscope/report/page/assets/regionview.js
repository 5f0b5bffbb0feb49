// Regions A and B on the interactive map: marked with pointer or keys, drawn, compared in a chart and in words.

const REGION_MARKS = ["disc", "square"];
const REGION_DASHES = [[], [7, 4]];
const REGION_ON_MAP = ["#5fd0ff", "#ffb45c"]; // the map is dark whatever the page is
const DRAG = 4; // CSS pixels; a shorter way is a click

class RegionView {
  constructor(explorer) {
    this.explorer = explorer;
    this.regions = [null, null];
    this.courses = [null, null];
    this.active = 0;
    this.shape = "rectangle";
    this.corner = null; // the first corner, set by key
    this.drag = null;
    this.preview = null;
    this.told = ""; // the frame that words and charts show; empty where they are out of date
    this.find = explorer.find;
    this.spectra = new SpectrumView(explorer);
    this.connect();
  }

  connect() {
    const map = this.find(".map");
    map.addEventListener("pointerdown", (event) => this.start(event));
    map.addEventListener("pointermove", (event) => this.stretch(event));
    map.addEventListener("pointerup", (event) => this.finish(event));
    map.addEventListener("pointercancel", () => this.drop());
    map.addEventListener("keydown", (event) => this.key(event));
    this.buttons = [...this.explorer.root.querySelectorAll(".region")];
    this.buttons.forEach((button, index) => button.addEventListener("click", () => this.choose(index)));
    this.find(".ellipse").addEventListener("click", () => this.turn());
    this.find(".clear").addEventListener("click", () => this.clear([0, 1]));
    this.find(".save-regions").addEventListener("click", () => this.save());
    new ResizeObserver(() => this.drawCharts()).observe(this.find(".compared"));
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.drawCharts());
  }

  say(text) {
    this.find(".said").textContent = text;
  }

  choose(index) {
    this.active = index;
    this.corner = null;
    this.preview = null;
    this.buttons.forEach((button, k) => button.setAttribute("aria-pressed", String(k === index)));
    this.say(`Region ${REGION_NAMES[index]} is chosen: drag on the map, or press Enter at two corners.`);
    this.explorer.draw();
  }

  turn() {
    this.shape = this.shape === "ellipse" ? "rectangle" : "ellipse";
    this.find(".ellipse").setAttribute("aria-pressed", String(this.shape === "ellipse"));
    this.say(`The next region is ${this.shape === "ellipse" ? "an ellipse" : "a rectangle"}.`);
  }

  start(event) {
    const pixel = event.isPrimary && event.button === 0 ? this.explorer.pixelAt(event, true) : null;
    this.drag = pixel && { pixel, from: [event.clientX, event.clientY], moved: false };
    if (this.drag) this.find(".map").setPointerCapture(event.pointerId);
  }

  stretch(event) {
    if (!this.drag || !event.isPrimary) return;
    const [x, y] = this.drag.from;
    if (Math.hypot(event.clientX - x, event.clientY - y) >= DRAG) this.drag.moved = true;
    if (!this.drag.moved) return;
    this.corner = null;
    this.preview = regionBetween(this.shape, this.drag.pixel, this.explorer.pixelAt(event));
    this.explorer.draw();
  }

  finish(event) {
    if (!this.drag || !event.isPrimary) return;
    this.stretch(event);
    const [{ moved }, region] = [this.drag, this.preview];
    this.drag = null;
    if (moved) this.mark(region);
  }

  drop() {
    this.drag = null;
    this.corner = null;
    this.preview = null;
    this.explorer.draw();
  }

  key(event) {
    const { cursor } = this.explorer;
    if (event.key === "Escape") {
      const pending = this.corner || this.drag;
      this.drop();
      if (pending) this.say("The corner is given up.");
      else this.clear([this.active]);
    } else if (event.key === "Enter" && cursor) {
      event.preventDefault();
      if (this.corner) this.mark(regionBetween(this.shape, this.corner, cursor));
      else {
        this.corner = cursor;
        this.follow();
        this.explorer.draw();
        this.say(`First corner of region ${REGION_NAMES[this.active]} set. Move with the arrow keys and press Enter again; Escape gives up.`);
      }
    } else if (event.key === "Enter") this.say("Move the cursor with the arrow keys first.");
  }

  /** Stretch the region that is being marked by keys to where the cursor is. */
  follow() {
    if (this.corner && !this.drag) this.preview = regionBetween(this.shape, this.corner, this.explorer.cursor);
  }

  mark(region) {
    this.corner = null;
    this.preview = null;
    this.regions[this.active] = region;
    this.refresh();
    this.say(`Region ${REGION_NAMES[this.active]} is marked.`);
  }

  clear(which) {
    which.forEach((index) => { this.regions[index] = null; });
    this.corner = null;
    this.preview = null;
    this.refresh();
    this.say(which.length > 1 ? "Both regions are cleared." : `Region ${REGION_NAMES[which[0]]} is cleared.`);
  }

  refresh() {
    const { rows, columns, data } = this.explorer;
    this.pixels = this.regions.map((region) => region && regionPixels(region, rows, columns));
    this.courses = this.pixels.map((pixels) => pixels && data.frames.map((_, frame) => this.mean(pixels, frame)));
    this.find(".compared").hidden = !this.regions.some(Boolean);
    this.told = "";
    this.explorer.draw();
  }

  /** Value and error of x by place in a frame, and the gain of the noise. */
  readers(frame) {
    const { explorer } = this;
    const [x, std] = [explorer.byKey("x"), explorer.byKey("std")];
    return [
      (place) => explorer.valueAt(x, place, frame),
      (place) => (std ? explorer.valueAt(std, place, frame) : null),
      explorer.data.frames[frame].gain,
    ];
  }

  mean(pixels, frame) {
    return meanOver(pixels, ...this.readers(frame));
  }

  difference(frame) {
    const [first, second] = this.pixels;
    return differenceOver(first, second, ...this.readers(frame));
  }

  /** One sentence per region and one for the difference, at the frame that is shown. */
  words() {
    const { frame, data } = this.explorer;
    const block = data.bins > 1 ? `blocks of ${data.bins} × ${data.bins} pixels` : "pixels";
    const found = this.courses.flatMap((course, index) => {
      if (!course) return [];
      const { value, error, count } = course[frame];
      const of = `${count} of ${this.pixels[index].length} ${block}`;
      const said = value === null ? "no trusted value here" : `mean x = ${withError(value, error)}`;
      return [`Region ${REGION_NAMES[index]}: ${said} (${of}).`];
    });
    if (this.courses.every(Boolean)) {
      const { value, error, shared } = this.difference(frame);
      const both = shared ? ` They share ${shared} ${block}.` : "";
      if (value !== null) found.push(`A − B = ${withError(value, error)} at ${data.frames[frame].text}.${both}`);
    }
    return found;
  }

  /** Draw what belongs to the map; words and charts follow. */
  draw(context) {
    this.regions.forEach((region, index) => {
      if (region && !(this.preview && index === this.active)) this.drawRegion(context, region, index);
    });
    if (this.preview) this.drawRegion(context, this.preview, this.active);
    this.tell();
  }

  /** Bring words and charts to the frame that is shown; nothing to do while only the cursor moves. */
  tell() {
    const now = String(this.explorer.frame);
    if (this.told === now) return;
    this.told = now;
    const marked = this.regions.some(Boolean);
    this.find(".numbers").textContent = marked ? this.words().join("\n") : "";
    if (!marked) return;
    this.drawCourses();
    this.spectra.show(this.regions);
  }

  drawRegion(context, region, index) {
    const [x, y, width, height] = this.explorer.box(region);
    const outline = new Path2D();
    if (region.shape === "ellipse") outline.ellipse(x + width / 2, y + height / 2, width / 2, height / 2, 0, 0, 7);
    else outline.rect(x, y, width, height);
    context.setLineDash([]);
    context.strokeStyle = "rgba(10,12,16,.8)";
    context.lineWidth = 4.5;
    context.stroke(outline);
    context.setLineDash(REGION_DASHES[index]);
    context.strokeStyle = REGION_ON_MAP[index];
    context.lineWidth = 2.5;
    context.stroke(outline);
    context.setLineDash([]);
    context.font = "bold 14px system-ui, sans-serif";
    context.textAlign = "left";
    const low = y > 20 ? y - 6 : y + 16;
    context.lineWidth = 4;
    context.strokeStyle = "rgba(10,12,16,.8)";
    context.strokeText(REGION_NAMES[index], x + 3, low);
    context.fillStyle = REGION_ON_MAP[index];
    context.fillText(REGION_NAMES[index], x + 3, low);
  }

  drawCharts() {
    if (!this.regions.some(Boolean)) return;
    this.drawCourses();
    this.spectra.draw();
  }

  drawCourses() {
    const { frame, data } = this.explorer;
    const times = data.frames.map((one) => one.minutes);
    const series = this.courses.flatMap((course, index) => (course ? [{
      points: course.map(({ value, error }, k) => ({ x: times[k], y: value, error })),
      colour: css(`--region-${REGION_NAMES[index].toLowerCase()}`),
      dash: REGION_DASHES[index], name: REGION_NAMES[index], line: true, band: true, mark: REGION_MARKS[index], here: frame,
    }] : []));
    const canvas = this.find(".courses");
    drawChart(canvas, {
      x: { title: "time / min", range: roomyRange(times, 1e-3) },
      y: { title: "mean lithium fraction x", range: roomyRange(seriesReach(series), 0.1) },
      series, at: times[frame],
    });
    canvas.setAttribute("aria-label", `Mean x of the regions against time. At ${data.frames[frame].text}: ${this.words().join(" ")}`);
  }

  save() {
    const courses = this.courses.flatMap((course, index) => (course ? [{ name: REGION_NAMES[index], course }] : []));
    download("regions.csv", coursesCsv(this.explorer.data.frames, courses));
  }
}
