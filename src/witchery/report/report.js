"use strict";
// Makes the lists of the page from the document in it. Texts are set as texts, never as markup: nothing here
// may use innerHTML, and the policy of the page forbids it. Lists draw only the rows that can be seen.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const NOWHERE = -1;
  const ROW = 34; // the height of a row in report.css
  const SPARE = 6; // rows that are drawn beyond what is seen
  const PRINTED = 400; // rows of a list that are printed
  const TILES = 240;
  const NEIGHBOURS = 12;
  const WAYS = 6;
  const KINDS = { signed: "as signed", payload: "application", derived: "derived", top: "generated", other: "other" };

  // ---- elements and texts
  const $ = (id) => document.getElementById(id);

  function h(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children.filter((each) => each !== null && each !== undefined && each !== ""));
    return made;
  }

  const button = (attributes, ...children) => h("button", { type: "button", ...attributes }, ...children);
  const quiet = (...texts) => h("span", { class: "quiet" }, ...texts);
  const fact = (title, ...said) => h("div", {}, h("dt", {}, title), h("dd", {}, ...said));

  function size(count) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let value = count;
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
      value /= 1000;
      unit += 1;
    }
    return (unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1)) + "\u00a0" + units[unit];
  }

  const number = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const counted = (count, word) => number(count) + " " + (count === 1 ? word : word + "s");
  const signed = (count) => (count > 0 ? "+" : count < 0 ? "−" : "") + size(Math.abs(count));

  function permissions(kind, mode) {
    const first = { link: "l", device: "c", fifo: "p" }[kind] || "-";
    const bits = [...Array(9).keys()].map((at) => (mode & (1 << (8 - at)) ? "rwx"[at % 3] : "-"));
    for (const [bit, at, yes, no] of [[0o4000, 2, "s", "S"], [0o2000, 5, "s", "S"], [0o1000, 8, "t", "T"]]) {
      if (mode & bit) bits[at] = bits[at] === "x" ? yes : no;
    }
    return first + bits.join("");
  }

  // A sentence in which backticks set off what is a name.
  const marked = (text) => text.split("`").map((each, at) => (at % 2 ? h("code", {}, each) : each));

  const there = (part) => part && part.absent === undefined;

  // ---- what is shown
  const packages = data.packages;
  packages.forEach((each, at) => Object.assign(each, { at, asks: [], asked: [], files: 0, known: [] }));
  for (const edge of data.edges) {
    if (edge.source !== NOWHERE) packages[edge.source].asks.push(edge);
    packages[edge.target].asked.push(edge);
  }
  const layers = there(data.layers) ? data.layers : [];
  layers.forEach((each, at) => Object.assign(each, { at, packages: [] }));
  packages.forEach((each) => each.layer !== NOWHERE && layers[each.layer].packages.push(each.name));

  const files = there(data.files)
    ? data.files.rows.map((row) => Object.fromEntries(data.files.columns.map((name, at) => [name, row[at]])))
    : [];
  for (const file of files) if (file.package !== NOWHERE) packages[file.package].files += 1;
  const findings = there(data.vulnerabilities) ? data.vulnerabilities.found : [];
  for (const each of findings) {
    if (each.package !== NOWHERE && !each.dismissed) packages[each.package].known.push(each);
  }

  const kindOfLayer = (at) => (at === NOWHERE || !layers[at] ? "other" : layers[at].kind);
  const kindOf = (each) => (each.own ? "payload" : kindOfLayer(each.layer));
  const nameOf = (at) => (at === NOWHERE ? "" : packages[at].name);

  // ---- tables
  const tables = [];

  class Table {
    // A list: searched, filtered and sorted, of which only the rows in sight are in the document.
    // columns: title, value (for sorting), cell (what is shown), and how it looks; open: what Enter does.
    constructor(host, { label, rows, columns, text, filters = [], open = null, sort = null, empty = "Nothing", whole = false }) {
      Object.assign(this, { rows, columns, open, label, empty });
      this.texts = rows.map((row) => text(row).filter(Boolean).join(" ").toLowerCase());
      this.filters = filters.filter((filter) => rows.some(filter.test));
      this.filter = null;
      this.view = rows;
      this.active = 0;
      this.chosen = null;
      this.drawn = new Map();
      const few = whole || rows.length < 8;
      this.search = h("input", {
        type: "search", placeholder: "Search", "aria-label": "Search " + label, autocomplete: "off", spellcheck: "false",
        oninput: () => this.update(),
        onkeydown: (event) => {
          if (event.key === "ArrowDown" && this.view.length) {
            event.preventDefault();
            this.focus(0);
          }
        },
      });
      this.chips = this.filters.map((filter) =>
        button({
          class: "chip", "aria-pressed": "false",
          onclick: () => {
            this.filter = this.filter === filter ? null : filter;
            this.update();
          },
        }, filter.label));
      this.status = h("span", { class: "shown", role: "status" });
      const group = this.chips.length ? h("div", { class: "chips", role: "group", "aria-label": "Show only" }, ...this.chips) : "";
      if (!few) host.append(h("div", { class: "tools" }, this.search, group, this.status));
      this.heads = columns.map((column, at) =>
        h("th", { scope: "col", class: this.looks(column), "aria-sort": "none" },
          button({ onclick: () => this.sortBy(at) }, column.title)));
      columns.forEach((column, at) => column.width && (this.heads[at].style.width = column.width));
      this.body = h("tbody");
      this.table = h("table", { role: "grid", "aria-label": label },
        h("thead", {}, h("tr", {}, ...this.heads)), this.body);
      this.scroller = h("div", {
        class: whole ? "scroller whole" : "scroller",
        onscroll: () => this.draw(), onkeydown: (event) => this.key(event),
      }, this.table);
      this.none = h("p", { class: "none", hidden: true });
      this.scroller.append(this.none);
      host.append(this.scroller);
      tables.push(this);
      this.sorting = sort ? { ...sort } : null;
      this.update();
    }

    looks(column) {
      return [column.right ? "n" : "", column.wide ? "wide" : "", column.path ? "path" : ""].filter(Boolean).join(" ");
    }

    sortBy(at) {
      const down = this.sorting && this.sorting.at === at ? !this.sorting.down : Boolean(this.columns[at].right);
      this.sorting = { at, down };
      this.update();
    }

    update() {
      const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const kept = [];
      this.rows.forEach((row, at) => {
        if (this.filter && !this.filter.test(row)) return;
        if (words.length && !words.every((word) => this.texts[at].includes(word))) return;
        kept.push(row);
      });
      if (this.sorting) {
        const { at, down } = this.sorting;
        const value = this.columns[at].value;
        const keys = new Map(kept.map((row) => [row, value(row)]));
        const order = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
        kept.sort((a, b) => (down ? order(keys.get(b), keys.get(a)) : order(keys.get(a), keys.get(b))));
      }
      this.view = kept;
      this.active = Math.max(0, kept.indexOf(this.chosen));
      this.heads.forEach((head, at) => {
        const here = this.sorting && this.sorting.at === at;
        head.setAttribute("aria-sort", here ? (this.sorting.down ? "descending" : "ascending") : "none");
      });
      this.chips.forEach((chip, at) => chip.setAttribute("aria-pressed", String(this.filter === this.filters[at])));
      const all = kept.length === this.rows.length;
      this.status.textContent = all ? number(kept.length) : number(kept.length) + " of " + number(this.rows.length);
      this.none.textContent = this.rows.length ? "Nothing matches" : this.empty;
      this.none.hidden = kept.length > 0;
      this.table.setAttribute("aria-rowcount", String(kept.length + 1));
      this.scroller.scrollTop = 0;
      this.redraw();
    }

    redraw() {
      this.drawn.clear();
      this.body.replaceChildren();
      this.range = "";
      this.draw();
    }

    draw(everything = 0) {
      const tall = this.scroller.clientHeight || 500;
      const first = everything ? 0 : Math.max(0, Math.floor(this.scroller.scrollTop / ROW) - SPARE);
      const last = everything ? Math.min(everything, this.view.length)
        : Math.min(this.view.length, first + Math.ceil(tall / ROW) + 2 * SPARE);
      if (this.range === first + "-" + last) return;
      this.range = first + "-" + last;
      const inside = this.body.contains(document.activeElement);
      for (const [at, row] of this.drawn) {
        if (at < first || at >= last) {
          row.remove();
          this.drawn.delete(at);
        }
      }
      const rows = [];
      for (let at = first; at < last; at += 1) {
        if (!this.drawn.has(at)) this.drawn.set(at, this.row(at));
        rows.push(this.drawn.get(at));
      }
      const below = everything ? 0 : this.view.length - last;
      this.body.replaceChildren(...(first ? [this.space(first)] : []), ...rows, ...(below ? [this.space(below)] : []));
      if (this.open && !this.drawn.has(this.active) && rows.length) rows[0].tabIndex = 0;
      if (inside) (this.drawn.get(this.active) || rows[0]).focus({ preventScroll: true });
    }

    space(count) {
      const cell = h("td"); // over one column: over more it would bring back those that are hidden
      cell.style.height = count * ROW + "px";
      return h("tr", { class: "space", role: "presentation" }, cell);
    }

    row(at) {
      const row = this.view[at];
      const cells = this.columns.map((column) => {
        const shown = column.cell ? column.cell(row) : column.value(row);
        const cell = h("td", { class: this.looks(column) }, shown === 0 ? "0" : shown);
        if (typeof shown === "string" && shown.length > 12) cell.title = shown.slice(0, 1000);
        return cell;
      });
      const made = h("tr", { "aria-rowindex": at + 2 }, ...cells);
      made.tabIndex = at === this.active ? 0 : -1;
      if (this.open) made.setAttribute("aria-selected", String(row === this.chosen));
      made.addEventListener("click", () => {
        this.active = at;
        this.choose(row);
      });
      return made;
    }

    choose(row, open = true) {
      if (!this.open) return;
      this.chosen = row;
      for (const [at, made] of this.drawn) made.setAttribute("aria-selected", String(this.view[at] === row));
      if (open) this.open(row, this);
    }

    focus(at) {
      const old = this.drawn.get(this.active);
      if (old) old.tabIndex = -1;
      this.active = Math.min(Math.max(0, at), this.view.length - 1);
      const head = this.heads[0].offsetHeight;
      const top = this.active * ROW;
      const seen = this.scroller.clientHeight - head - ROW;
      if (top < this.scroller.scrollTop) this.scroller.scrollTop = top;
      else if (top > this.scroller.scrollTop + seen) this.scroller.scrollTop = top - seen;
      this.draw();
      const row = this.drawn.get(this.active);
      if (row) {
        row.tabIndex = 0;
        row.focus({ preventScroll: true });
      }
    }

    key(event) {
      if (!event.target.closest("tbody")) return;
      const page = Math.max(1, Math.floor(this.scroller.clientHeight / ROW) - 2);
      const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
      if (event.key in steps) {
        event.preventDefault();
        this.focus(Math.max(0, Math.min(this.view.length - 1, this.active + steps[event.key])));
      } else if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        this.choose(this.view[this.active]);
      } else if (event.key === "Escape") {
        this.search.focus();
      }
    }
  }

  // A column that shows a member as it is.
  const of = (title, name, looks = {}) => ({ title, value: (each) => each[name], ...looks });
  const measured = (title, name, shown, wide = false) =>
    of(title, name, { width: "7.5rem", right: true, wide, cell: (each) => shown(each[name]) });
  const alike = (name, ...words) => words.map((word) => ({ label: word, test: (each) => each[name] === word }));
  const note = (look, ...texts) => h("p", { class: look }, ...texts);

  // ---- layers
  function swatch(kind) {
    return h("span", { class: "swatch k-" + kind, "aria-hidden": "true" });
  }

  const labelOf = (layer) => (layer.packages.length === 1 ? layer.packages[0]
    : layer.packages.length ? counted(layer.packages.length, "package") : KINDS[layer.kind]);

  function showLayers(host) {
    const total = layers.reduce((sum, each) => sum + each.size, 0);
    let table = null;
    const bar = h("div", { class: "bar", role: "group", "aria-label": "Layers by size; arrow keys move between them" });
    const parts = layers.map((layer, at) => {
      const said = labelOf(layer) + ", " + size(layer.size) + ", " + KINDS[layer.kind];
      const part = button({
        class: "k-" + layer.kind, title: said, "aria-label": "Layer " + (at + 1) + ": " + said,
        tabindex: at === 0 ? 0 : -1, onclick: () => table.choose(layer),
      }, labelOf(layer));
      part.style.flexGrow = layer.size;
      if (layer.size < total * 0.06) part.classList.add("thin");
      return part;
    });
    bar.append(...parts);
    roving(bar, parts, (at, key) => at + ({ ArrowRight: 1, ArrowLeft: -1 }[key] || 0));
    const kinds = Object.keys(KINDS).filter((kind) => layers.some((each) => each.kind === kind));
    const legend = h("ul", { class: "legend" }, ...kinds.map((kind) => {
      const those = layers.filter((each) => each.kind === kind);
      const sum = those.reduce((all, each) => all + each.size, 0);
      return h("li", {}, swatch(kind), h("b", {}, KINDS[kind]), " " + counted(those.length, "layer") + ", " + size(sum));
    }));
    host.append(bar, legend);
    const standings = there(data.verification) ? data.verification.standings : [];
    table = new Table(host, {
      label: "layers", rows: layers, text: (each) => [each.digest, each.kind, each.reason, ...each.packages],
      columns: [
        { title: "#", width: "3.5rem", right: true, wide: true, value: (each) => each.at + 1 },
        { title: "Kind", width: "9rem", value: (each) => each.kind, cell: (each) => h("span", {}, swatch(each.kind), KINDS[each.kind]) },
        { title: "Holds", value: labelOf },
        measured("Size", "size", size),
        ...(standings.length ? [{ title: "Rests on", width: "8rem", wide: true, value: (each) => standings[each.at] || "" }] : []),
        { title: "Digest", wide: true, path: true, width: "11rem", value: (each) => each.digest.replace("sha256:", "") },
      ],
      open: (layer) => {
        said.replaceChildren(
          h("b", {}, "Layer " + (layer.at + 1)), ": " + KINDS[layer.kind] + ", " + size(layer.size) + ". ",
          layer.reason ? (layer.kind === "other" ? "Made by: " : "Not as signed: ") + layer.reason + ". " : "",
          layer.packages.length ? "Holds " + layer.packages.join(", ") + "." : "");
        said.hidden = false;
        parts.forEach((part, at) => (part.tabIndex = at === layer.at ? 0 : -1));
      },
    });
    const said = h("p", { class: "note", role: "status", hidden: true });
    host.append(said);
  }

  function roving(host, nodes, next) {
    // One of several is reached by Tab, the others by arrow keys.
    host.addEventListener("keydown", (event) => {
      const at = nodes.indexOf(document.activeElement);
      if (at < 0) return;
      const to = event.key === "Home" ? 0 : event.key === "End" ? nodes.length - 1 : next(at, event.key);
      if (to === at || to === null || !nodes[to]) return;
      event.preventDefault();
      nodes[at].tabIndex = -1;
      nodes[to].tabIndex = 0;
      nodes[to].focus();
    });
  }

  // ---- treemap
  function squarified(items, width, height) {
    // Rectangles close to squares (Bruls, Huizing, van Wijk: "Squarified Treemaps", 2000); items by size.
    const found = [];
    const total = items.reduce((sum, each) => sum + each.size, 0);
    let [x, y, w, v] = [0, 0, width, height];
    let left = total;
    let at = 0;
    const worst = (sum, low, high, side) => Math.max((side * side * high) / (sum * sum), (sum * sum) / (side * side * low));
    while (at < items.length && left > 0) {
      const scale = (w * v) / left;
      const side = Math.min(w, v);
      let sum = 0;
      let end = at;
      let best = Infinity;
      while (end < items.length) {
        const area = Math.max(items[end].size * scale, 1e-6);
        const now = worst(sum + area, area, Math.max(items[at].size * scale, 1e-6), side);
        if (now > best) break;
        best = now;
        sum += area;
        end += 1;
      }
      const thick = side > 0 ? sum / side : 0;
      let along = 0;
      for (; at < end; at += 1) {
        const length = (items[at].size * scale) / (thick || 1);
        found.push(w >= v ? { x, y: y + along, w: thick, h: length } : { x: x + along, y, w: length, h: thick });
        along += length;
        left -= items[at].size;
      }
      if (w >= v) [x, w] = [x + thick, w - thick];
      else [y, v] = [y + thick, v - thick];
    }
    return found;
  }

  function showMap(host) {
    const unowned = files.filter((each) => each.package === NOWHERE);
    const groups = packages.map((each) => ({ name: each.name, size: 0, kind: kindOf(each), files: [], package: each }));
    for (const file of files) if (file.package !== NOWHERE) groups[file.package].files.push(file);
    const top = layers.length && layers.some((each) => each.kind === "top") ? "top" : "other";
    groups.push({ name: "of no package", size: 0, kind: top, files: unowned, package: null });
    for (const group of groups) group.size = group.files.reduce((sum, each) => sum + each.size, 0);
    const crumbs = h("div", { class: "crumbs" });
    const box = h("div", { class: "treemap", role: "group" });
    const said = h("p", { class: "quiet path", role: "status" });
    host.append(crumbs, box, said);
    let inside = null;
    let shown = [];

    function items() {
      const all = (inside ? inside.files.map((file) => ({ name: "/" + file.path, size: file.size, kind: kindOfFile(file), file }))
        : groups).filter((each) => each.size > 0).sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
      const kept = all.slice(0, TILES);
      const rest = all.slice(TILES);
      if (rest.length) {
        const word = inside ? "smaller file" : "smaller package";
        kept.push({ name: counted(rest.length, word), size: rest.reduce((sum, each) => sum + each.size, 0), kind: "other", rest: true });
      }
      return kept;
    }

    const kindOfFile = (file) => (inside.package && inside.package.own ? "payload" : kindOfLayer(file.layer));

    function draw(focus = false) {
      const kept = items();
      const total = kept.reduce((sum, each) => sum + each.size, 0);
      const last = kept[kept.length - 1];
      const strip = last && last.rest ? Math.max(48, (box.clientWidth * last.size) / total) : 0; // what is not shown one by one
      const places = squarified(kept.filter((each) => !each.rest), box.clientWidth - strip, box.clientHeight);
      if (strip) places.push({ x: box.clientWidth - strip, y: 0, w: strip, h: box.clientHeight });
      box.setAttribute("aria-label", (inside ? "Files of " + inside.name : "Packages by size") + "; arrow keys move between them");
      shown = kept.map((each, at) => {
        const place = places[at];
        const part = Math.round((1000 * each.size) / total) / 10;
        const label = each.name + " " + size(each.size) + ", " + part + " %";
        const small = place.w < 46 || place.h < 22;
        const short = inside ? each.name.slice(each.name.lastIndexOf("/") + 1) : each.name;
        const tile = button({
          class: "tile k-" + each.kind + (small ? " small" : "") + (each.rest ? " rest" : ""),
          "aria-label": label, title: label.slice(0, 500),
          tabindex: at === 0 ? 0 : -1, onclick: () => opened(each),
          onfocus: () => (said.textContent = describe(each)), onmouseenter: () => (said.textContent = describe(each)),
        }, ...(small ? [] : [h("b", {}, short), ...(place.h > 40 && place.w > 62 ? [" ", h("span", {}, size(each.size))] : [])]));
        Object.assign(tile.style, {
          left: place.x + "px", top: place.y + "px", width: Math.max(1, place.w - 2) + "px", height: Math.max(1, place.h - 2) + "px",
        });
        return tile;
      });
      box.replaceChildren(...shown);
      crumbs.replaceChildren(...(inside ? [
        button({ class: "plain", onclick: leave }, "← All packages"),
        h("b", {}, h("bdi", {}, inside.name)), quiet(size(inside.size) + " in " + counted(inside.files.length, "file")),
        inside.package ? button({ class: "link", onclick: () => select(inside.package, "map") }, "Why is it there?") : null,
      ].filter(Boolean) : [quiet(size(total) + " in " + counted(files.length, "file"))]));
      if (focus && shown[0]) shown[0].focus();
    }

    function describe(each) {
      if (each.rest) return each.name + ", " + size(each.size);
      if (!each.file) return each.name + ": " + size(each.size) + " in " + counted(each.files.length, "file");
      const file = each.file;
      return "/" + file.path + ": " + size(file.size) + ", " + permissions(file.kind, file.mode) + ", " + file.uid + ":" + file.gid;
    }

    function opened(each) {
      if (each.rest || inside) {
        said.textContent = describe(each);
        return;
      }
      inside = each;
      draw(true);
    }

    function leave() {
      const name = inside && inside.name;
      inside = null;
      draw();
      const back = shown.find((tile) => tile.getAttribute("aria-label").startsWith(name + " ")) || shown[0];
      shown.forEach((tile) => (tile.tabIndex = tile === back ? 0 : -1));
      back.focus();
    }

    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && inside) {
        leave();
        return;
      }
      const from = shown.indexOf(document.activeElement);
      const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
      if (from < 0 || !way) return;
      event.preventDefault();
      const middle = (tile) => [tile.offsetLeft + tile.offsetWidth / 2, tile.offsetTop + tile.offsetHeight / 2];
      const [x, y] = middle(shown[from]);
      let best = null;
      let least = Infinity;
      for (const tile of shown) {
        const [tx, ty] = middle(tile);
        const ahead = (tx - x) * way[0] + (ty - y) * way[1];
        const aside = Math.abs((tx - x) * way[1]) + Math.abs((ty - y) * way[0]);
        if (ahead > 1 && ahead + 2 * aside < least) [best, least] = [tile, ahead + 2 * aside];
      }
      if (!best) return;
      shown[from].tabIndex = -1;
      best.tabIndex = 0;
      best.focus();
    });
    let width = box.clientWidth;
    draw();
    new ResizeObserver(() => {
      if (box.clientWidth !== width) {
        width = box.clientWidth;
        draw();
      }
    }).observe(box);
  }

  // ---- packages
  let packageTable = null;

  function showPackages(host) {
    const looked = there(data.vulnerabilities);
    packageTable = new Table(host, {
      label: "packages", rows: packages, sort: { at: 0, down: false }, empty: "No packages",
      text: (each) => [each.name, each.version, each.origin, each.licence, each.description],
      columns: [
        of("Name", "name", {
          cell: (each) => h("span", { title: each.name.slice(0, 500) }, swatch(kindOf(each)), h("bdi", {}, each.name)),
        }),
        of("Version", "version", { width: "8.5rem" }),
        measured("Size", "size", size),
        measured("Leaves with it", "held_size", size, true),
        {
          title: "Asked for by", width: "7rem", right: true, wide: true, value: (each) => each.asked.length,
          cell: (each) => (each.requested.length ? "requested" : number(each.asked.length)),
        },
        ...(looked ? [{
          title: "CVEs", width: "4.5rem", right: true, wide: true, value: (each) => each.known.length,
          cell: (each) => (each.known.length ? number(each.known.length) : quiet("0")),
        }] : []),
        of("Licence", "licence", { width: "9rem", wide: true }),
      ],
      filters: [
        { label: "requested", test: (each) => each.requested.length > 0 },
        { label: "for one package", test: (each) => !each.requested.length && each.asked.length === 1 },
        { label: "not as signed", test: (each) => !["signed", "other"].includes(kindOf(each)) },
        { label: "nothing asks", test: (each) => each.asked.length === 0 },
        ...(looked ? [{ label: "vulnerable", test: (each) => each.known.length > 0 }] : []),
      ],
      open: (each) => select(each, "packages"),
    });
  }

  // ---- graph
  let selected = null;
  let cameFrom = null;

  function select(each, from = null, focus = true) {
    if (focus) cameFrom = from ? document.activeElement : cameFrom;
    selected = each;
    if (packageTable) packageTable.choose(each, false);
    drawWhy($("why-body"));
    try {
      history.replaceState(null, "", "#why=" + encodeURIComponent(each.name));
    } catch {
      // a page that is shown inside another has no address of its own
    }
    if (focus) {
      $("why").scrollIntoView();
      $("why-title").focus({ preventScroll: true });
    }
  }

  const link = (each) => button({ class: "link", onclick: () => select(each) }, h("bdi", {}, each.name));
  const because = (edge) => (edge.cause === "install_if" ? "with " : "") + edge.because.join(", ");

  function node(other, edge) {
    if (other === null) {
      return h("div", { class: "node" }, h("b", {}, "requested"), h("span", {}, because(edge)));
    }
    const title = (other.name + " " + because(edge)).slice(0, 500);
    return button({ class: "node k-" + kindOf(other), title, onclick: () => select(other) },
      h("b", {}, other.name), h("span", {}, because(edge)));
  }

  function column(title, edges, otherOf) {
    const made = h("div", { class: "column" });
    const ordered = [...edges].sort((a, b) => (a.source === NOWHERE ? -1 : b.source === NOWHERE ? 1 : 0));
    const fill = (limit) => {
      const rest = edges.length - limit;
      made.replaceChildren(
        h("p", {}, edges.length ? title : title + " nothing"),
        ...ordered.slice(0, limit).map((edge) => node(otherOf(edge), edge)),
        ...(rest > 0 ? [button({ class: "link", onclick: () => {
          fill(edges.length);
          drawLines(made.parentElement);
          made.children[limit + 1].focus();
        } }, "and " + rest + " more")] : []));
    };
    fill(edges.length > NEIGHBOURS + 1 ? NEIGHBOURS : edges.length);
    return made;
  }

  function drawLines(graph) {
    const old = graph.querySelector("svg");
    if (old) old.remove();
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("aria-hidden", "true");
    const [left, middle, right] = graph.querySelectorAll(".column");
    const centre = middle.querySelector(".node");
    const y = (each) => each.offsetTop + each.offsetHeight / 2; // from the top of the graph, as it is positioned
    const ends = (each) => [each.offsetLeft, each.offsetLeft + each.offsetWidth];
    const line = (from, to, condition) => {
      const [x1, y1, x2, y2] = [ends(from)[1], y(from), ends(to)[0], y(to)];
      const path = document.createElementNS(space, "path");
      const half = (x1 + x2) / 2;
      path.setAttribute("d", `M${x1} ${y1}C${half} ${y1} ${half} ${y2} ${x2} ${y2}`);
      if (condition) path.setAttribute("class", "condition");
      svg.append(path);
    };
    for (const each of left.querySelectorAll(".node")) line(each, centre, each.textContent.includes("with "));
    for (const each of right.querySelectorAll(".node")) line(centre, each, false);
    graph.prepend(svg);
  }

  function waysTo(target) {
    // The shortest ways from what was requested, one after the other; each package at most once on a way.
    const far = new Map([[NOWHERE, 0]]);
    let edge = [NOWHERE];
    const out = (at) => (at === NOWHERE ? data.edges.filter((each) => each.source === NOWHERE) : packages[at].asks);
    for (let step = 1; edge.length; step += 1) {
      const next = [];
      for (const at of edge) {
        for (const each of out(at)) {
          if (!far.has(each.target)) {
            far.set(each.target, step);
            next.push(each.target);
          }
        }
      }
      edge = next;
    }
    const found = [];
    if (!far.has(target.at)) return { found, more: false };
    let ahead = [{ at: target.at, way: [], seen: new Set([target.at]) }];
    for (let tries = 0; ahead.length && tries < 4000; tries += 1) {
      let best = 0;
      const cost = (each) => each.way.length + far.get(each.at);
      ahead.forEach((each, at) => cost(each) < cost(ahead[best]) && (best = at));
      const [here] = ahead.splice(best, 1);
      if (here.at === NOWHERE) {
        if (found.length === WAYS) return { found, more: true };
        found.push(here.way);
        continue;
      }
      for (const each of packages[here.at].asked) {
        if (far.has(each.source) && !here.seen.has(each.source)) {
          ahead.push({ at: each.source, way: [each, ...here.way], seen: new Set([...here.seen, each.source]) });
        }
      }
      if (ahead.length > 4000) ahead = ahead.slice(0, 4000);
    }
    return { found, more: ahead.length > 0 };
  }

  function way(edges) {
    const steps = [quiet("requested")];
    for (const each of edges) {
      const said = each.source === NOWHERE ? "" : because(each);
      const told = said && said !== nameOf(each.target) ? " " + said.slice(0, 60) + " →" : "";
      steps.push(h("span", { class: "quiet", title: said }, "→" + told));
      steps.push(link(packages[each.target]));
    }
    return h("li", {}, ...steps);
  }

  function drawWhy(host) {
    const each = selected;
    const facts = [
      ["What it is", each.description], ["Source package", each.origin], ["Licence", each.licence], ["Home", each.home],
      ["Layer", each.layer === NOWHERE ? "" : String(each.layer + 1) + ", " + KINDS[kindOfLayer(each.layer)]],
      ["Signed by", each.signer],
      ["Vulnerabilities", each.known.map((known) => known.id).slice(0, 40).join(", ")],
    ].filter(([, said]) => said);
    const centre = h("div", { class: "node center k-" + kindOf(each) }, h("b", {}, each.name), h("span", {}, each.version));
    const middle = h("div", { class: "column" }, h("p", {}, "\u00a0"), centre);
    const graph = h("div", { class: "graph", role: "group", "aria-label": "Who asks for " + each.name + ", and what it asks for" },
      column("Asked for by", each.asked, (edge) => (edge.source === NOWHERE ? null : packages[edge.source])),
      middle,
      column("Asks for", each.asks, (edge) => packages[edge.target]));
    const ways = waysTo(each);
    host.replaceChildren(
      h("h3", { class: "who" }, h("bdi", {}, each.name), quiet(each.version),
        quiet(size(each.size) + (each.files ? ", " + counted(each.files, "file") : ""))),
      h("dl", { class: "facts" }, ...facts.map(([title, said]) => fact(title, said))),
      graph,
      h("h3", {}, "Ways to it from what was requested"),
      ways.found.length ? h("ol", { class: "ways" }, ...ways.found.map(way)) : note("quiet", "Nothing that was requested leads to it."),
      ways.more ? note("quiet", "There are more; these are the shortest.") : "",
      h("h3", {}, "What would leave with it"),
      each.held_count ? h("p", { class: "list" }, h("span", {}, size(each.held_size) + " in all, with"),
        ...each.held.map((at) => link(packages[at])),
        each.held_count > each.held.length ? "and " + number(each.held_count - each.held.length) + " more" : "")
        : note("quiet", "Itself alone, " + size(each.size) + "."),
      each.files ? h("p", {}, button({ class: "link", onclick: () => showFilesOf(each) }, "Show its files")) : "");
    drawLines(graph);
    graph.addEventListener("keydown", (event) => {
      const columns = [...graph.querySelectorAll(".column")].map((column) => [...column.querySelectorAll("button")]);
      const at = columns.findIndex((column) => column.includes(document.activeElement));
      if (at < 0) return;
      const row = columns[at].indexOf(document.activeElement);
      const to = {
        ArrowDown: columns[at][row + 1], ArrowUp: columns[at][row - 1], ArrowRight: columns[2][0], ArrowLeft: columns[0][0],
      }[event.key];
      if (to) {
        event.preventDefault();
        to.focus();
      }
    });
  }

  function goBack(event) {
    if (event.key !== "Escape" || !cameFrom || !cameFrom.isConnected) return;
    cameFrom.scrollIntoView({ block: "center" });
    cameFrom.focus({ preventScroll: true });
    cameFrom = null;
  }

  // ---- files
  let fileTable = null;

  function showFiles(host) {
    const leads = (each) => (each.target ? " → " + (each.kind === "hardlink" ? "/" : "") + each.target : "");
    fileTable = new Table(host, {
      label: "files", rows: files, empty: "No files",
      text: (each) => ["/" + each.path, each.target, nameOf(each.package)],
      columns: [
        of("Path", "path", { path: true, cell: (each) => "/" + each.path + leads(each) }),
        of("Size", "size", {
          width: "6rem", right: true, cell: (each) => (each.kind === "file" ? size(each.size) : quiet(each.kind)),
        }),
        of("Mode", "mode", {
          width: "7.5rem", path: true, wide: true, cell: (each) => permissions(each.kind, each.mode),
        }),
        {
          title: "Owner", width: "6rem", path: true, wide: true,
          value: (each) => each.uid * 1e10 + each.gid, cell: (each) => each.uid + ":" + each.gid,
        },
        {
          title: "Package", width: "12rem", wide: true,
          value: (each) => nameOf(each.package), cell: (each) => nameOf(each.package) || quiet("none"),
        },
      ],
      filters: [
        { label: "of no package", test: (each) => each.package === NOWHERE },
        { label: "programs", test: (each) => each.kind === "file" && Boolean(each.mode & 0o111) },
        { label: "links", test: (each) => each.kind === "link" || each.kind === "hardlink" },
        { label: "setuid or setgid", test: (each) => each.kind === "file" && Boolean(each.mode & 0o6000) },
        { label: "world-writable", test: (each) => each.kind !== "link" && Boolean(each.mode & 0o002) },
        { label: "not root’s", test: (each) => each.uid !== 0 || each.gid !== 0 },
      ],
      open: (each) => each.package !== NOWHERE && select(packages[each.package], "files"),
    });
    if (data.files.omitted) {
      const rest = counted(data.files.omitted, "smaller file") + ", " + size(data.files.omitted_size);
      host.append(note("note", rest + " together, are not listed."));
    }
  }

  function showFilesOf(each) {
    fileTable.filter = null;
    fileTable.search.value = each.name;
    fileTable.update();
    $("files").scrollIntoView();
    fileTable.search.focus({ preventScroll: true });
  }

  // ---- other parts
  const LOOKS = { emulated: "good", "not done": "bad", irrelevant: "quiet", error: "bad", warning: "warn", ok: "good", note: "quiet" };
  const RANKS = { critical: 5, high: 4, medium: 3, low: 2, none: 1, unknown: 0 };
  const tinted = (word, look) => h("span", { class: look || "" }, word);

  function showScripts(host) {
    const text = h("pre", { class: "text", tabindex: "0", hidden: true });
    const done = (each) => [...each.effects, each.reason].filter(Boolean).join("; ");
    const recorded = data.scripts.some((each) => each.verdict);
    if (data.scripts.length && !recorded) {
      host.append(note("lede", "These are the scripts of the packages. What was done in their place is known where the"
        + " image is composed: report on its configuration."));
    }
    new Table(host, {
      label: "scripts", rows: data.scripts, empty: "No package has scripts",
      text: (each) => [nameOf(each.package), each.name, each.verdict, done(each), each.text],
      columns: [
        { title: "Package", value: (each) => nameOf(each.package) },
        of("Script", "name", { width: "8.5rem" }),
        ...(recorded ? [
          of("What became of it", "verdict", {
            width: "9.5rem", cell: (each) => tinted(each.verdict, LOOKS[each.verdict]),
          }),
          { title: "What was done, or not", wide: true, value: done },
        ] : [{
          title: "Size", right: true, width: "6rem",
          value: (each) => each.text.length + each.cut, cell: (each) => size(each.text.length + each.cut),
        }]),
      ],
      filters: alike("verdict", "emulated", "not done", "irrelevant"),
      open: (each) => {
        const said = done(each);
        text.textContent = (said ? "# " + (each.verdict || "") + ": " + said + "\n\n" : "") + (each.text || "(empty)")
          + (each.cut ? "\n\n(" + counted(each.cut, "more character") + ")" : "");
        text.setAttribute("aria-label", "The " + each.name + " script of " + nameOf(each.package));
        text.hidden = false;
      },
    });
    host.append(text);
  }

  function remarks(host, label, rows) {
    const ranks = { error: 0, warning: 1, note: 2, ok: 3 };
    new Table(host, {
      label, rows, empty: "Nothing was found", sort: { at: 0, down: false },
      text: (each) => [each.level, each.rule, each.message, each.subject],
      columns: [
        { title: "Level", width: "6.5rem", value: (each) => ranks[each.level], cell: (each) => tinted(each.level, LOOKS[each.level]) },
        of("Rule", "rule", { width: "11rem", wide: true }),
        of("What was found", "message"),
        of("Where", "subject", { path: true, wide: true }),
      ],
      filters: alike("level", "error", "warning", "note"),
    });
  }

  function showAudit(host) {
    const found = data.audit;
    const costs = found.lines.filter((each) => each.points);
    host.append(note("lede", "Score " + found.score + " of 100; " + found.stock + " has " + found.stock_score + "."));
    new Table(host, {
      label: "lines of the score", rows: costs, whole: true, empty: "Nothing was found that costs points",
      text: (each) => [each.rule, each.severity, each.meaning],
      columns: [
        of("Rule", "rule", { width: "12rem" }), of("Severity", "severity", { width: "6.5rem", wide: true }),
        of("What it finds", "meaning", { wide: true }), of("Found", "found", { width: "5rem", right: true }),
        { title: "Points", width: "5rem", right: true, value: (each) => each.points, cell: (each) => "−" + each.points },
      ],
    });
    host.append(h("h3", {}, "Attack surface"));
    new Table(host, {
      label: "attack surface", rows: found.counts, whole: true, text: (each) => [each.what],
      columns: [
        of("What is there", "what"),
        measured("Here", "here", number),
        measured(found.stock, "stock", number),
      ],
    });
    host.append(h("h3", {}, "What was found"));
    remarks(host, "findings", found.remarks);
  }

  function showVulnerabilities(host) {
    const found = data.vulnerabilities;
    for (const warning of found.warnings) host.append(note("note", ...marked(warning)));
    const unchecked = found.unchecked.map((each) => counted(each.count, "package") + " not: " + each.reason);
    const looked = counted(found.checked, "package") + " looked up in " + (found.sources.join(", ") || "nothing");
    host.append(note("lede", [looked, ...unchecked].join("; ") + "."));
    new Table(host, {
      label: "vulnerabilities", rows: findings, empty: "Nothing is known to be vulnerable",
      text: (each) => [each.id, each.subject, each.severity, each.summary, each.dismissed], sort: { at: 1, down: true },
      columns: [
        of("Name", "id", { width: "11rem" }),
        {
          title: "Severity", width: "6.5rem", value: (each) => RANKS[each.severity] - (each.dismissed ? 10 : 0),
          cell: (each) => tinted(each.severity, ["quiet", "quiet", "quiet", "warn", "bad", "bad"][RANKS[each.severity]]),
        },
        { title: "Has it", value: (each) => each.subject + " " + each.version },
        { title: "Fixed in", width: "8rem", wide: true, value: (each) => each.fixed, cell: (each) => each.fixed || quiet("nothing yet") },
        {
          title: "What it is", wide: true,
          value: (each) => (each.dismissed ? "does not count: " + each.dismissed
            : (each.exploited ? "known to be exploited; " : "") + (each.summary || each.source)),
        },
      ],
      filters: [
        { label: "counts", test: (each) => !each.dismissed }, { label: "fixed", test: (each) => Boolean(each.fixed) },
        { label: "exploited", test: (each) => each.exploited }, { label: "dismissed", test: (each) => Boolean(each.dismissed) },
      ],
      open: (each) => each.package !== NOWHERE && select(packages[each.package], "vulnerabilities"),
    });
  }

  function showVerification(host) {
    const found = data.verification;
    host.append(h("p", { class: "note " + (found.ok ? "good" : "bad") }, found.ok
      ? "Verified: everything in it is explained, and nothing speaks against it."
      : "Not verified: " + counted(found.problems.length, "problem") + "."));
    if (found.problems.length) remarks(host, "problems", found.problems);
    const counts = Object.entries(found.standings.reduce((all, each) => ({ ...all, [each]: (all[each] || 0) + 1 }), {}));
    host.append(h("dl", { class: "facts" },
      ...counts.map(([word, count]) => fact(word, counted(count, "layer"))),
      ...found.signers.map((each) => fact("signed by", h("code", {}, each.key), " " + counted(each.packages, "package")))));
    for (const each of found.remarks) host.append(note("quiet", ...marked(each)));
  }

  function showChanges(host) {
    const found = data.changes;
    const layers = found.shared || found.pulled
      ? " Layers in common: " + found.shared + "; to pull besides: " + size(found.pulled) + "." : "";
    host.append(note("lede", "From ", h("bdi", {}, found.name), " to this one." + layers));
    const areas = ["package", "library", "licence", "vulnerability", "configuration", "file"];
    new Table(host, {
      label: "changes", rows: found.found, empty: "Nothing differs",
      text: (each) => [each.area, each.what, each.subject, each.before, each.after],
      columns: [
        { title: "Of what", width: "8rem", wide: true, value: (each) => areas.indexOf(each.area), cell: (each) => each.area },
        { title: "How", width: "6.5rem", value: (each) => each.what, cell: (each) => tinted(each.what, { broken: "bad" }[each.what]) },
        of("What", "subject"),
        of("Before", "before", { wide: true }),
        of("After", "after", { wide: true }),
        { title: "Size", width: "6.5rem", right: true, value: (each) => each.size, cell: (each) => (each.size ? signed(each.size) : "") },
      ],
      filters: [...areas.map((area) => ({ label: area + "s", test: (each) => each.area === area })),
        ...alike("what", "added", "gone", "changed", "broken")]
        .map((filter) => ({ ...filter, label: filter.label.replace("configurations", "configuration").replace(/ys$/, "ies") })),
    });
    if (found.omitted) host.append(note("note", counted(found.omitted, "more difference") + " not listed."));
  }

  // ---- page
  function chooseTheme() {
    const button = $("theme");
    const themes = ["auto", "light", "dark"];
    let at = 0;
    button.hidden = false;
    button.addEventListener("click", () => {
      at = (at + 1) % themes.length;
      if (at) document.documentElement.dataset.theme = themes[at];
      else delete document.documentElement.dataset.theme;
      button.lastElementChild.textContent = themes[at];
    });
  }

  function follow() {
    const links = new Map([...document.querySelectorAll("nav a")].map((each) => [each.hash.slice(1), each]));
    const seen = new Set();
    const watcher = new IntersectionObserver((entries) => {
      for (const each of entries) seen[each.isIntersecting ? "add" : "delete"](each.target.id);
      const first = [...links.keys()].find((id) => seen.has(id));
      for (const [id, each] of links) {
        if (id === first) each.setAttribute("aria-current", "true");
        else each.removeAttribute("aria-current");
      }
    }, { rootMargin: "-12% 0px -55% 0px" });
    for (const id of links.keys()) watcher.observe($(id));
  }

  const PARTS = [
    ["layers", showLayers, () => layers.length],
    ["map", showMap, () => null],
    ["packages", showPackages, () => packages.length],
    ["files", showFiles, () => files.length + (data.files.omitted || 0)],
    ["scripts", showScripts, () => data.scripts.length],
    ["audit", showAudit, () => data.audit.remarks.length],
    ["vulnerabilities", showVulnerabilities, () => new Set(findings.filter((each) => !each.dismissed).map((each) => each.id)).size],
    ["verification", showVerification, () => (data.verification.ok ? "yes" : "no")],
    ["changes", showChanges, () => data.changes.found.length + data.changes.omitted],
  ];

  chooseTheme();
  for (const [name, show, count] of PARTS) {
    const host = $(name + "-body");
    if (!host) continue;
    const mark = document.querySelector(`[data-count="${name}"]`);
    const shown = count();
    if (shown !== null) mark.textContent = typeof shown === "number" ? number(shown) : shown;
    show(host);
  }
  const wanted = location.hash.startsWith("#why=") ? decodeURIComponent(location.hash.slice(5)) : null;
  const first = packages.find((each) => each.name === wanted)
    || [...packages].sort((a, b) => Number(b.own) - Number(a.own) || b.held_size - a.held_size)[0];
  if (first) {
    selected = first;
    drawWhy($("why-body"));
    packageTable.choose(first, false);
    if (wanted) $("why").scrollIntoView();
  } else {
    $("why-body").append(h("p", { class: "absent" }, "No packages are known."));
  }
  $("why").addEventListener("keydown", goBack);
  new ResizeObserver(() => {
    const graph = document.querySelector(".graph");
    if (graph) drawLines(graph);
  }).observe($("why"));
  follow();
  addEventListener("beforeprint", () => tables.forEach((each) => each.draw(PRINTED)));
  addEventListener("afterprint", () => tables.forEach((each) => each.redraw()));
})();
