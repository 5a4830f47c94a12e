// Draws each chart when it is scrolled to, in the colours of the page, and again when these change.
const peephole = (() => {
  "use strict";
  const drawn = new Map(); // figure -> promise of a view
  const settings = new Map(); // figure -> parameters that were set from outside
  let library = null;

  const load = () => library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.body.dataset.vega;
    script.onload = resolve;
    script.onerror = () => reject(new Error(`cannot load ${script.src}`));
    document.head.append(script);
  });

  function config() {
    const style = getComputedStyle(document.body);
    const variable = name => {
      const probe = document.createElement("i");
      probe.style.color = `var(${name})`;
      document.body.append(probe);
      const colour = getComputedStyle(probe).color;
      probe.remove();
      return colour;
    };
    const ink = variable("--ink"), soft = variable("--soft"), line = variable("--line"), mark = variable("--mark");
    const font = style.fontFamily;
    return {
      background: "transparent", font, aria: false,
      view: { stroke: "transparent" },
      axis: { labelColor: soft, titleColor: soft, gridColor: line, domainColor: line, tickColor: line, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400 },
      legend: { labelColor: ink, titleColor: soft, labelFontSize: 12, titleFontSize: 12, titleFontWeight: 400, labelLimit: 220 },
      header: { labelColor: ink, titleColor: soft, labelFontSize: 13 },
      title: { color: ink, fontSize: 14, anchor: "start" },
      text: { color: ink, fontSize: 12 },
      rule: { color: soft }, point: { filled: true, size: 60, color: mark }, bar: { color: mark }, line: { color: mark, strokeWidth: 2 }, area: { color: mark },
    };
  }

  async function draw(figure) {
    await load();
    const spec = JSON.parse(figure.querySelector("script").textContent);
    for (const param of spec.params ?? []) {
      const set = settings.get(figure) ?? {};
      if (param.name in set) param.value = set[param.name];
    }
    const options = { actions: false, renderer: "svg", config: config(), tooltip: { theme: "custom" } };
    const result = await vegaEmbed(figure.querySelector(".plot"), spec, options);
    // The figure says what it shows; marks alone would be pictures without a name.
    figure.querySelector(".plot svg").setAttribute("aria-hidden", "true");
    figure.dataset.drawn = "yes";
    return result.view;
  }

  const show = figure => drawn.set(figure, draw(figure));
  const observer = new IntersectionObserver(entries => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting && !drawn.has(target)) show(target);
    }
  }, { rootMargin: "300px" });
  const figures = document.querySelectorAll("figure.chart");
  figures.forEach(figure => observer.observe(figure));
  document.addEventListener("themechange", () => [...drawn.keys()].forEach(show));

  // Sets a parameter of all charts that have it; resolves when they show it.
  async function set(name, value) {
    for (const figure of figures) {
      settings.set(figure, { ...settings.get(figure), [name]: value });
      if (!drawn.has(figure)) continue;
      const view = await drawn.get(figure);
      try { view.signal(name, value); } catch { continue; } // a chart without it
      await view.runAsync();
    }
  }

  // The page's data, and its state in the address, so that what is seen can be sent to somebody.
  const data = id => JSON.parse(document.getElementById(id).textContent);
  const state = () => new URLSearchParams(location.hash.slice(1));
  addEventListener("hashchange", () => location.reload()); // somebody edited the address
  function remember(values) {
    const found = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ""));
    history.replaceState(null, "", Object.keys(found).length ? `#${new URLSearchParams(found)}` : location.pathname + location.search);
  }

  // Elements: element("td", { class: "number" }, "text", child)
  function element(name, attributes = {}, ...children) {
    const svg = ["svg", "line", "circle", "polyline", "path", "title"].includes(name);
    const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(key, value);
    made.append(...children.filter(child => child !== null && child !== undefined));
    return made;
  }
  const number = (value, places = 2) => {
    if (value === null || value === undefined) return "–";
    const text = value.toFixed(places);
    return (Number(text) === 0 ? text.replace("-", "") : text).replace("-", "−");
  };
  const interval = (low, high, places = 2) => low === null || low === undefined ? "" : `[${number(low, places)}, ${number(high, places)}]`;

  return { set, data, state, remember, element, number, interval };
})();
