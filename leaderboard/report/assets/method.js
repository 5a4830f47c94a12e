// What is chosen on a method's page: which trigger's maps and curves, and which layer.
(() => {
  "use strict";
  const form = document.getElementById("chosen");
  const { set, state, remember } = peephole;
  function show() {
    const trigger = form.elements.trigger.value, layer = form.elements.layer.value, every = form.elements.every.checked;
    for (const gallery of document.querySelectorAll("[data-trigger]")) {
      gallery.hidden = trigger !== "" && gallery.dataset.trigger !== trigger;
      gallery.style.setProperty("--tile", every ? "5rem" : "9rem");
    }
    for (const tile of document.querySelectorAll(".tile[data-layer]")) tile.hidden = !every && tile.dataset.layer !== layer;
    set("trigger", trigger || "all triggers");
    set("layer", layer);
    remember({ trigger, layer: form.elements.layer.selectedOptions[0]?.defaultSelected && every ? "" : layer, every: every ? "" : "no" });
  }
  const from = state();
  for (const name of ["trigger", "layer"]) {
    const select = form.elements[name];
    if ([...select.options].some(option => option.value === from.get(name))) select.value = from.get(name);
  }
  form.elements.every.checked = from.get("every") !== "no";
  form.elements.layer.addEventListener("input", () => { form.elements.every.checked = false; });
  form.addEventListener("input", show);
  form.addEventListener("submit", event => event.preventDefault());
  show();
})();
