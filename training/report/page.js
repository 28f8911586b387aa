"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const touch = matchMedia("(pointer: coarse), (hover: none)");
const drawings = [...document.querySelectorAll(".plot")].map((figure) => ({
  figure,
  drawing: figure.querySelector(".drawing"),
  ...JSON.parse(figure.querySelector("script").textContent),
}));

// Some versions of plotly offer to send a plot to a server, unless told not to.
const options = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
  displayModeBar: touch.matches ? false : "hover",
  modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]],
};

// The colours of the page, for plotly, which knows no style sheets.
function colours() {
  const style = getComputedStyle(document.documentElement);
  const [text, quiet, line, card] = ["--text", "--quiet", "--line", "--card"].map((name) =>
    style.getPropertyValue(name).trim(),
  );
  const clear = "rgba(0,0,0,0)";
  const look = { "font.color": text, paper_bgcolor: clear, plot_bgcolor: clear, "modebar.bgcolor": clear };
  Object.assign(look, { "modebar.color": quiet, "modebar.activecolor": text });
  for (const axis of ["xaxis", "yaxis"]) {
    Object.assign(look, { [`${axis}.gridcolor`]: line, [`${axis}.linecolor`]: line, [`${axis}.automargin`]: true });
  }
  return Object.assign(look, { "hoverlabel.bgcolor": card, "hoverlabel.font.color": text, "hoverlabel.align": "left" });
}

function showOnly(drawing, isShown) {
  Plotly.restyle(drawing, { visible: drawing.data.map((trace) => isShown(trace.meta)) });
}

for (const { figure, drawing, data, layout } of drawings) {
  // Under a finger a plot must not hold the page back from scrolling.
  layout.dragmode = touch.matches ? false : "zoom";
  Plotly.newPlot(drawing, data, layout, options).then(() => Plotly.relayout(drawing, colours()));
  figure.querySelector("select")?.addEventListener("change", (event) =>
    showOnly(drawing, (meta) => meta.choice === Number(event.target.value)),
  );
}

dark.addEventListener("change", () => drawings.forEach(({ drawing }) => Plotly.relayout(drawing, colours())));

// A run's name in a key hides the run in all plots, and shows it again.
const hidden = new Set();
for (const button of document.querySelectorAll("[data-run]")) {
  button.addEventListener("click", () => {
    const run = Number(button.dataset.run);
    hidden.delete(run) || hidden.add(run);
    for (const same of document.querySelectorAll(`[data-run="${run}"]`)) {
      same.setAttribute("aria-pressed", String(!hidden.has(run)));
    }
    for (const { drawing } of drawings) {
      if (drawing.data.some((trace) => trace.meta.run !== undefined)) {
        showOnly(drawing, (meta) => !hidden.has(meta.run));
      }
    }
  });
}
