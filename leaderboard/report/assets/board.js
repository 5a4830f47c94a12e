// The leaderboard: filtered and sorted in the browser, from the data that the page brings along.
(() => {
  "use strict";
  const { element, number, interval, data, state, remember } = peephole;
  const board = data("board");
  const table = document.querySelector("table.board");
  const form = document.getElementById("filters");
  const shown = new Set(board.metrics.filter(metric => metric.core).map(metric => metric.name));

  const fixed = [
    { key: "rank", title: "Rank", lower: true, first: true, help: "with its 95 % interval, among all layers of all methods" },
    { key: "name", title: "Method", text: true },
    { key: "layerName", title: "Layer", text: true },
    { key: "score", title: "Score", help: "0 is chance, 1 the truth itself" },
    { key: "spark", title: "Score by layer", plain: true },
  ];
  const costs = [
    { key: "passes", title: "Passes", lower: true, places: 1, help: "cost in forward and backward passes of the network" },
    { key: "ms", title: "ms", lower: true, places: 2, help: "milliseconds a picture, all layers together" },
    { key: "invalid", title: "Invalid", lower: true, places: 0, help: "pictures on which the map says nothing, scored at chance" },
  ];

  function columns(view) {
    const metrics = board.metrics.filter(metric => shown.has(metric.name) && metric.name in view.metrics);
    return [...fixed, ...metrics.map(metric => ({ key: metric.name, title: metric.title, lower: metric.lower, metric: true })), ...costs];
  }

  // The rows of a view as objects, made when it is first asked for.
  const made = new Map();
  function rows(place) {
    if (!made.has(place)) {
      const view = board.views[place];
      made.set(place, view.method.map((method, row) => {
        const at = board.costs[`${method}/${view.layer[row]}`] ?? {};
        const found = {
          method, layer: view.layer[row], best: view.best[row], name: board.methods[method].name, calibration: board.methods[method].calibration,
          layerName: board.layers[view.layer[row]], score: view.score[row], low: view.low[row], high: view.high[row],
          rank: view.rank[row], rankInterval: view.rankInterval[row], tie: view.tie[row], passes: at.passes ?? null, ms: at.ms ?? null, invalid: view.invalid[row],
        };
        for (const [name, values] of Object.entries(view.metrics)) {
          found[name] = values[0][row];
          found[`${name}:interval`] = values.length > 1 ? interval(values[1][row], values[2][row]) : "";
        }
        return found;
      }));
    }
    return made.get(place);
  }

  // A name may be broken after an underscore, a bracket or a comma.
  const breakable = name => name.split(/(?<=[_(,=])/).flatMap((part, place) => place ? [element("wbr"), part] : [part]);

  // Bars and lines of a view share one axis, from a little below chance to a little above the truth, or further.
  const axes = new Map();
  function axis(place) {
    if (!axes.has(place)) {
      const own = rows(place).filter(row => row.best && !row.calibration && row.low !== null);
      axes.set(place, { from: Math.min(-0.25, ...own.map(row => row.low)), to: Math.max(1.05, ...own.map(row => row.high)) });
    }
    return axes.get(place);
  }

  const scale = (value, { from, to }) => 100 * (Math.min(to, Math.max(from, value)) - from) / (to - from);
  function bar(row, range) {
    if (row.score === null) return null;
    const drawing = element("svg", { class: "interval", viewBox: "0 0 100 16", preserveAspectRatio: "none", "aria-hidden": "true" });
    for (const at of [0, 1]) drawing.append(element("line", { class: "grid", x1: scale(at, range), x2: scale(at, range), y1: 0, y2: 16, "vector-effect": "non-scaling-stroke" }));
    if (row.low !== null) drawing.append(element("line", { x1: scale(row.low, range), x2: scale(row.high, range), y1: 8, y2: 8, "vector-effect": "non-scaling-stroke" }));
    const tick = scale(row.score, range);
    drawing.append(element("line", { x1: tick, x2: tick, y1: 3, y2: 13, "vector-effect": "non-scaling-stroke" }));
    return drawing;
  }

  function spark(row, byLayer, { from, to }) {
    const scores = byLayer.get(row.method);
    const known = board.layers.map((name, layer) => [name, scores.get(layer)]).filter(([, score]) => score !== undefined && score !== null);
    if (known.length < 2) return element("span", { class: "muted" }, "–");
    const step = 100 / (board.layers.length - 1);
    const y = score => 22 - 20 * (Math.min(to, Math.max(from, score)) - from) / (to - from);
    const points = board.layers.map((name, layer) => [layer * step, scores.get(layer), layer]).filter(([, score]) => score !== undefined && score !== null);
    const label = `score by layer: ${known.map(([name, score]) => `${name} ${number(score)}`).join(", ")}`;
    const drawing = element("svg", { class: "spark", viewBox: "-4 0 108 24", role: "img", "aria-label": label });
    drawing.append(element("title", {}, label), element("line", { class: "zero", x1: 0, x2: 100, y1: y(0), y2: y(0) }));
    drawing.append(element("polyline", { points: points.map(([x, score]) => `${x},${y(score)}`).join(" ") }));
    for (const [x, score, layer] of points) drawing.append(element("circle", { cx: x, cy: y(score), r: layer === row.layer ? 3.6 : 1.6, class: layer === row.layer ? "best" : null }));
    return drawing;
  }

  function cell(column, row, byLayer, best, range) {
    const label = { "data-label": column.title, role: "cell" };
    if (column.key === "rank") {
      return element("td", { ...label, class: "number rank", title: column.help }, row.rankInterval || "–", row.tie === null ? "" : element("small", { title: "tie group: not separable from the first row of the group" }, ` tie ${row.tie}`));
    }
    if (column.key === "name") {
      const marks = board.methods[row.method].submission ? element("small", {}, " submitted") : "";
      return element("th", { ...label, scope: "row", role: "rowheader", class: "wide" }, element("a", { href: board.methods[row.method].href }, ...breakable(row.name)), marks);
    }
    if (column.key === "layerName") return element("td", label, element("span", { class: "chip", title: row.best ? "its best layer, chosen on other pictures" : null }, row.layerName));
    if (column.key === "score") return element("td", { ...label, class: "wide score" }, number(row.score), " ", element("small", {}, interval(row.low, row.high)), bar(row, range));
    if (column.key === "spark") return element("td", { ...label, class: "wide" }, spark(row, byLayer, range));
    const value = row[column.key];
    const text = number(value, column.places ?? 2);
    const hint = column.metric ? row[`${column.key}:interval`] : null;
    return element("td", { ...label, class: "number", title: hint || null }, value !== null && value === best.get(column.key) ? element("span", { class: "best", title: "the best shown" }, text) : text);
  }

  function order(found, column, reverse) {
    const up = (column.text || column.lower) !== reverse;
    return [...found].sort((a, b) => {
      const [x, y] = [a[column.key], b[column.key]];
      if (x === null || y === null) return (x === null) - (y === null);
      const by = column.text ? x.localeCompare(y) : x - y;
      return (up ? by : -by) || a.rank - b.rank;
    });
  }

  function render() {
    const values = Object.fromEntries(new FormData(form));
    const place = Math.max(0, board.views.findIndex(view => view.trigger === (values.trigger ?? "")));
    const view = board.views[place];
    const all = rows(place);
    const byLayer = new Map();
    for (const row of all) byLayer.set(row.method, (byLayer.get(row.method) ?? new Map()).set(row.layer, row.score));
    const list = columns(view);
    const sorted = list.find(column => column.key === values.sort && !column.plain) ?? list[0];
    const wanted = values.method.trim().toLowerCase();
    const kept = all.filter(row =>
      (values.layer === "" ? row.best || row.calibration : values.layer === "*" || row.layerName === values.layer)
      && (values.calibration || !row.calibration) && row.name.toLowerCase().includes(wanted));
    const reverse = values.reverse === "on";
    const inOrder = order(kept, sorted, reverse);
    const best = new Map();
    for (const column of [...list.filter(column => column.metric), ...costs.slice(0, 2)]) {
      const own = kept.filter(row => !row.calibration && row[column.key] !== null).map(row => row[column.key]);
      if (own.length > 1) best.set(column.key, column.lower ? Math.min(...own) : Math.max(...own));
    }
    const head = element("tr", { role: "row" }, ...list.map(column => {
      const direction = (column.text || column.lower) !== reverse ? "ascending" : "descending";
      const attributes = { scope: "col", role: "columnheader", class: column.plain ? "plain" : column.text || column.key === "score" ? null : "number", "aria-sort": column === sorted ? direction : null, title: column.help ?? null };
      if (column.plain) return element("th", attributes, column.title);
      const button = element("button", { type: "button", "data-key": column.key, title: `sort by ${column.title}` }, column.title, column.metric && column.lower ? element("small", {}, " (lower is better)") : "");
      return element("th", attributes, button);
    }));
    const ranked = sorted.key === "rank" || sorted.key === "score";
    const body = inOrder.map((row, index) => {
      const starts = ranked && index > 0 && row.tie !== inOrder[index - 1].tie;
      const names = [row.calibration ? "calibration" : "", starts ? "tie" : ""].filter(Boolean).join(" ");
      return element("tr", { role: "row", class: names || null, "data-method": row.name, "data-layer": row.layerName }, ...list.map(column => cell(column, row, byLayer, best, axis(place))));
    });
    table.tHead.replaceChildren(head);
    table.tBodies[0].replaceChildren(...body);
    fit();
    const what = view.trigger === "" ? "all triggers together" : `the trigger ${view.trigger}`;
    const made = view.madeOf.length ? ` Scored by ${view.madeOf.join(", ")}.` : "";
    document.getElementById("shown").textContent = `${kept.length} of ${all.length} rows, ${what}, sorted by ${sorted.title}.${made}`;
    for (const answer of document.querySelectorAll("[data-view]")) answer.hidden = answer.dataset.view !== view.trigger;
    const sorts = document.getElementById("sort");
    sorts.replaceChildren(...list.filter(column => !column.plain).map(column => element("option", { value: column.key }, column.title)));
    sorts.value = sorted.key;
    remember({ trigger: view.trigger, layer: values.layer, method: values.method, sort: sorted.key === "rank" ? "" : sorted.key, reverse: reverse ? "on" : "", calibration: values.calibration ? "" : "no", metrics: [...shown].sort().join(",") === usual ? "" : [...shown].join(",") || "none" });
  }

  // Where many metrics are chosen the table scrolls in its frame; else the page does, and the heading stays in sight.
  function fit() {
    const frame = table.parentElement;
    frame.classList.remove("wide");
    const wide = table.scrollWidth > frame.clientWidth + 1;
    frame.classList.toggle("wide", wide);
    for (const [name, value] of [["tabindex", "0"], ["role", "region"], ["aria-label", "Leaderboard"]]) {
      if (wide) frame.setAttribute(name, value); else frame.removeAttribute(name);
    }
  }
  addEventListener("resize", fit);

  const usual = [...shown].sort().join(",");
  function restore() {
    const from = state();
    const has = (select, value) => [...select.options].some(option => option.value === value);
    for (const name of ["trigger", "layer"]) if (has(form.elements[name], from.get(name))) form.elements[name].value = from.get(name);
    form.elements.method.value = from.get("method") ?? "";
    form.elements.calibration.checked = from.get("calibration") !== "no";
    form.elements.reverse.checked = from.get("reverse") === "on";
    const sort = from.get("sort");
    if (sort) { form.elements.sort.replaceChildren(element("option", { value: sort }, sort)); form.elements.sort.value = sort; }
    const metrics = from.get("metrics");
    if (metrics) { shown.clear(); metrics.split(",").forEach(name => shown.add(name)); }
    for (const box of document.querySelectorAll("#columns input")) box.checked = shown.has(box.value);
  }

  table.tHead.addEventListener("click", event => {
    const button = event.target.closest("button");
    if (!button) return;
    const key = button.dataset.key;
    const same = form.elements.sort.value === key;
    form.elements.reverse.checked = same ? !form.elements.reverse.checked : false;
    form.elements.sort.value = key;
    render();
    table.tHead.querySelector(`[data-key="${CSS.escape(key)}"]`).focus();
  });
  document.getElementById("columns").addEventListener("change", event => {
    if (event.target.checked) shown.add(event.target.value); else shown.delete(event.target.value);
    render();
  });
  form.addEventListener("input", event => { if (!event.target.closest("#columns")) render(); });
  form.addEventListener("submit", event => event.preventDefault());
  restore();
  render();
  table.dataset.ready = "yes";
})();
