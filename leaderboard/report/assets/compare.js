// Compares two methods: their numbers and differences, their charts, and their maps side by side.
(() => {
  "use strict";
  const { element, number, interval, data, state, remember, set } = peephole;
  const all = data("data");
  const form = document.getElementById("chosen");
  const view = all.views[0];
  const names = all.methods.map(method => method.name);
  const SAID = { "=": "not separable", "+": "better", "-": "worse" };

  const rows = new Map(); // "method/layer" -> place in the view
  view.method.forEach((method, row) => rows.set(`${method}/${view.layer[row]}`, row));
  const best = new Map(view.method.map((method, row) => [method, view.layer[row]]).reverse());
  view.method.forEach((method, row) => { if (view.best[row]) best.set(method, view.layer[row]); });

  function layers(side) {
    const method = names.indexOf(form.elements[side].value);
    const select = form.elements[`${side}_layer`];
    const own = all.layers.map((name, layer) => [name, layer]).filter(([, layer]) => rows.has(`${method}/${layer}`));
    select.replaceChildren(...own.map(([name, layer]) => element("option", { value: name }, layer === best.get(method) ? `${name} (best)` : name)));
    select.value = all.layers[best.get(method)];
  }
  const chosen = side => ({ method: names.indexOf(form.elements[side].value), layer: all.layers.indexOf(form.elements[`${side}_layer`].value) });

  // The place of a pair among all combinations of two rows, and whether it stands there the other way round.
  function pairOf(a, b) {
    if (!all.pairs) return null;
    const find = ({ method, layer }) => all.pairs.rows.findIndex(row => row[0] === method && row[1] === layer);
    const [i, j] = [find(a), find(b)];
    if (i < 0 || j < 0 || i === j) return null;
    const [low, high, count] = [Math.min(i, j), Math.max(i, j), all.pairs.rows.length];
    return { place: low * (2 * count - low - 1) / 2 + high - low - 1, swapped: i > j };
  }

  // One measure of a pair, from columns of all pairs.
  function compared(columns, m, { place, swapped }, measure) {
    const sign = swapped ? -1 : 1;
    const at = key => columns[key][m][place];
    const times = value => value === null ? null : sign * value;
    const ends = [times(at("low")), times(at("high"))];
    const verdict = at("verdict");
    return {
      measure, a: at(swapped ? "other" : "one"), b: at(swapped ? "one" : "other"), difference: times(at("difference")),
      low: swapped ? ends[1] : ends[0], high: swapped ? ends[0] : ends[1], p: at("p"),
      verdict: SAID[swapped ? { "=": "=", "+": "-", "-": "+" }[verdict] : verdict],
    };
  }

  function measured(a, b) {
    const pair = pairOf(a, b);
    if (pair) return all.pairs.measures.map((measure, m) => compared(all.pairs, m, pair, measure));
    const values = ({ method, layer }) => rows.get(`${method}/${layer}`);
    const [i, j] = [values(a), values(b)];
    const one = (measure, series) => ({ measure, a: series[0][i], b: series[0][j], difference: series[0][i] === null || series[0][j] === null ? null : series[0][i] - series[0][j], low: null, high: null, p: null, verdict: "not tested here" });
    return [one("score", [view.score]), ...Object.entries(view.metrics).map(([metric, series]) => one(metric, series))];
  }

  const facts = new Map(all.metrics.map(metric => [metric.name, metric]));
  function table(found) {
    document.querySelector("#differences tbody").replaceChildren(...found.map(each => {
      const metric = facts.get(each.measure);
      const name = metric ? element("a", { href: `definitions.html#metric-${each.measure}` }, metric.title) : "Score";
      const p = each.p === null ? "–" : each.p < 0.001 ? "<0.001" : number(each.p, 3);
      const pill = element("span", { class: each.verdict === "better" ? "pill good" : each.verdict === "worse" ? "pill bad" : "muted" }, each.verdict);
      return element("tr", { "data-measure": each.measure },
        element("th", { scope: "row" }, name, metric?.lower ? element("small", {}, " (lower is better)") : ""),
        element("td", { class: "number" }, number(each.a, 3)), element("td", { class: "number" }, number(each.b, 3)),
        element("td", { class: "number" }, number(each.difference, 3), " ", element("small", { class: "muted" }, interval(each.low, each.high, 3))),
        element("td", { class: "number" }, p), element("td", {}, pill));
    }));
  }

  function say(a, b, found, trigger) {
    const label = side => `${names[side.method]} at ${all.layers[side.layer]}`;
    const verdict = document.getElementById("verdict"), how = document.getElementById("how");
    const bold = text => element("b", {}, text);
    if (a.method === b.method && a.layer === b.layer) { verdict.replaceChildren("A and B are the same."); how.textContent = ""; return; }
    const pair = pairOf(a, b), own = Object.hasOwn(all.byTrigger, trigger) ? all.byTrigger[trigger] : null;
    const score = pair && own ? compared(own, 0, pair, "score") : found.find(each => each.measure === "score");
    const where = pair && own ? `the backdoor ${trigger}` : "the backdoors";
    const p = score?.p === null || score === undefined ? "" : score.p < 0.001 ? ", p < 0.001" : `, p = ${number(score.p, 3)}`;
    if (!score || score.difference === null) verdict.replaceChildren("One of them has no score.");
    else if (score.verdict === "not tested here") verdict.replaceChildren(bold(label(a)), ` scores ${number(score.a)}, `, bold(label(b)), ` ${number(score.b)}.`);
    else if (score.verdict === "not separable") verdict.replaceChildren(bold(label(a)), " and ", bold(label(b)), ` are not separable on ${where}: their scores differ by ${number(score.difference)} ${interval(score.low, score.high)}${p}.`);
    else {
      const [first, second, ends] = score.verdict === "better" ? [a, b, interval(score.low, score.high)] : [b, a, interval(-score.high, -score.low)];
      verdict.replaceChildren(bold(label(first)), ` finds ${where} better than `, bold(label(second)), " by ", bold(number(Math.abs(score.difference), 2)), ` ${ends}${p}.`);
    }
    how.textContent = !pair
      ? `Differences are tested here for methods at their best layers; for others: peephole compare "${names[a.method]}@${all.layers[a.layer]}" "${names[b.method]}@${all.layers[b.layer]}"`
      : own ? `On ${trigger} alone, by one comparison; the layers are those that are best over all triggers.`
      : "All triggers together, on the pictures that both have scores of; p is corrected for all measures of the table below.";
  }

  function tile(file, columns, column, row, alt, caption, picture, side) {
    const image = element("img", columns
      ? { class: "sheet", src: file, alt, loading: "lazy", style: `width:${100 * columns}%;left:${-100 * column}%;top:${-100 * row}%` }
      : { src: file, alt, loading: "lazy" });
    const frame = element("span", { class: "frame" }, image);
    if (picture.outline) {
      const drawing = element("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" });
      drawing.append(element("path", { d: picture.outline }));
      frame.append(drawing);
    }
    return element("figure", { class: "tile" }, frame, element("figcaption", {}, caption));
  }

  function maps(a, b, trigger) {
    const place = document.getElementById("maps");
    if (!place) return;
    const gallery = all.galleries.find(each => each.trigger === trigger) ?? all.galleries[0];
    place.style.setProperty("--tile", "9rem");
    place.replaceChildren(element("p", { class: "muted" }, `Backdoor ${gallery.trigger}; the number is ${gallery.metric.replaceAll("_", " ")} on that picture.`), ...gallery.pictures.map((picture, question) => {
      const line = element("div", { class: "question tiles" }, tile(picture.file, 0, 0, 0, `Picture ${picture.place} with the trigger ${gallery.trigger}`, `with trigger, explained for label ${picture.target}`, picture, gallery.side));
      for (const [name, side] of [["A", a], ["B", b]]) {
        const sheet = gallery.sheets[side.method];
        const column = sheet ? sheet.layers.indexOf(all.layers[side.layer]) : -1, row = sheet ? sheet.questions.indexOf(question) : -1;
        const caption = `${name}: ${names[side.method]} at ${all.layers[side.layer]}`;
        if (column < 0 || row < 0) { line.append(element("p", { class: "tile" }, `${caption}: no map here`)); continue; }
        const value = sheet.values[row][column];
        line.append(tile(sheet.file, sheet.layers.length, column, row, `Map of ${names[side.method]} for picture ${picture.place}`, `${caption}: ${value === null ? "invalid" : number(value)}`, picture, gallery.side));
      }
      return line;
    }));
  }

  function render() {
    const [a, b] = [chosen("a"), chosen("b")];
    const found = measured(a, b);
    table(found);
    say(a, b, found, form.elements.trigger.value);
    maps(a, b, form.elements.trigger.value);
    for (const name of ["trigger", "a", "b", "a_layer", "b_layer"]) set(name, form.elements[name].value);
    const values = Object.fromEntries(new FormData(form));
    for (const side of ["a", "b"]) if (all.layers.indexOf(values[`${side}_layer`]) === best.get(names.indexOf(values[side]))) values[`${side}_layer`] = "";
    if (values.trigger === "all triggers") values.trigger = "";
    remember(values);
  }

  const has = (select, value) => [...select.options].some(option => option.value === value);
  const from = state();
  const methods = all.methods.filter(method => !method.calibration).map(method => method.name);
  const fallback = { a: methods[0] ?? names[0], b: methods[1] ?? names[1] };
  for (const side of ["a", "b"]) {
    const other = side === "b" && from.get("a") === fallback.b && !from.get("b") ? fallback.a : fallback[side];
    form.elements[side].value = has(form.elements[side], from.get(side)) ? from.get(side) : other;
    layers(side);
    if (has(form.elements[`${side}_layer`], from.get(`${side}_layer`))) form.elements[`${side}_layer`].value = from.get(`${side}_layer`);
  }
  if (has(form.elements.trigger, from.get("trigger"))) form.elements.trigger.value = from.get("trigger");
  form.addEventListener("input", event => {
    if (event.target.name === "a" || event.target.name === "b") layers(event.target.name);
    render();
  });
  form.addEventListener("submit", event => event.preventDefault());
  render();
  document.getElementById("differences").dataset.ready = "yes";
})();
