// What pages do beyond links and forms. Everything works without this file, only less conveniently.
"use strict";

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- Theme -----------------------------------------------------------------------------------------------------
const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-theme-switch]")) {
    const theme = isDark() ? "light" : "dark";
    document.documentElement.dataset.theme = theme;
    try {
      localStorage.setItem("reckoner-theme", theme);
    } catch {
      // Not remembered, but switched.
    }
    drawPlots();
  }
  if (event.target.closest("[data-help]")) $("#help").showModal();
});

// --- Keyboard --------------------------------------------------------------------------------------------------
const places = { o: "/console", j: "/console/jobs", q: "/console/queues" };
let isAfterG = false;

const moveRow = (by) => {
  const links = $$("table.jobs a.id");
  if (!links.length) return false;
  const at = links.indexOf(document.activeElement);
  const next = Math.min(Math.max(at + by, 0), links.length - 1);
  links[at === -1 ? 0 : next].focus();
  return true;
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("#help").open) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (isAfterG && places[event.key]) {
    location.assign(places[event.key]);
  } else if (event.key === "/") {
    event.preventDefault();
    const search = $("[data-search]");
    if (search) {
      search.focus();
      search.select();
    } else {
      location.assign("/console/jobs#search");
    }
  } else if (event.key === "?") {
    $("#help").showModal();
  } else if (event.key === "n") {
    location.assign("/console/jobs/new");
  } else if (event.key === "j" || event.key === "k") {
    moveRow(event.key === "j" ? 1 : -1);
  }
  isAfterG = event.key === "g";
});

if (location.hash === "#search") $("[data-search]")?.focus();

// --- Forms -----------------------------------------------------------------------------------------------------
// A second click finds the button asleep; should it get through all the same, the form's key makes it harmless.
document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || event.target.method !== "post") return;
  setTimeout(() => {
    button.disabled = true;
  });
  setTimeout(() => {
    button.disabled = false;
  }, 4000);
});
addEventListener("pageshow", () => $$("button:disabled").forEach((button) => (button.disabled = false)));

const countTicked = () => {
  const ticked = $$('#act input[name="ids"]:checked').length;
  const note = $("[data-ticked]");
  if (note) note.textContent = ticked ? `(${ticked})` : "";
};

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-tick-all]")) {
    $$('#act input[name="ids"]').forEach((box) => (box.checked = event.target.checked));
  }
  if (event.target.closest("#act")) countTicked();
});

// --- Uploads ---------------------------------------------------------------------------------------------------
// Sent by hand only to show how far it is; without this file the form does the same in one go.
const upload = (form, file) => {
  const bar = $("progress", form);
  const sending = new XMLHttpRequest();
  const body = new FormData();
  body.append("file", file);
  bar.classList.remove("hidden-bar");
  sending.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) bar.value = event.loaded / event.total;
  });
  sending.addEventListener("load", () => {
    const where = sending.getResponseHeader("HX-Redirect");
    if (where) location.assign(where);
    else say(sending.responseText);
  });
  sending.addEventListener("error", () => sayPlain("The upload was cut off. Try again."));
  sending.addEventListener("loadend", () => bar.classList.add("hidden-bar"));
  sending.open("POST", form.action);
  sending.setRequestHeader("HX-Request", "true");
  sending.send(body);
};

// The server's own words, already made into a harmless piece of page.
const say = (html) => $("#notes").replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
const sayPlain = (text) => {
  const note = document.createElement("div");
  note.className = "note is-bad";
  note.textContent = text;
  $("#notes").replaceChildren(note);
};

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-upload]");
  if (!form) return;
  event.preventDefault();
  upload(form, $("input[type=file]", form).files[0]);
});
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    const form = event.target.closest?.("[data-upload]");
    if (!form) return;
    event.preventDefault();
    form.classList.toggle("is-over", name === "dragover");
    if (name === "drop" && event.dataTransfer.files.length) upload(form, event.dataTransfer.files[0]);
  });
}
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-upload]");
  if (form && event.target.files?.length) upload(form, event.target.files[0]);
});

// --- Live pages ------------------------------------------------------------------------------------------------
// Nobody looks at a hidden page, and a page whose server is away need not fill the log.
document.addEventListener("htmx:config:request", (event) => {
  const source = event.detail.ctx.sourceElement;
  if (source?.hasAttribute("data-polls") && document.hidden) event.preventDefault();
});

// An answer that is no page part must not replace one: leave what was there, and say so once it lasts.
document.addEventListener("htmx:before:swap", (event) => {
  const status = event.detail.ctx?.response?.status ?? 200;
  if (status >= 400) event.preventDefault();
});

document.addEventListener("htmx:after:swap", () => {
  countTicked();
  drawPlots();
});

// --- Plots -----------------------------------------------------------------------------------------------------
// A plot is drawn from the table beside it, which is what readers without a screen have.
const drawn = new Map();

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--plot-${name}`).trim() || "#888";

const readTable = (figure) => {
  const heads = $$("details thead th", figure).slice(1);
  const rows = $$("details tbody tr", figure);
  const times = rows.map((row) => Date.parse($("th", row).dataset.at) / 1000);
  const columns = heads.map((_, place) =>
    rows.map((row) => {
      const cell = row.children[place + 1];
      const text = cell.dataset.value ?? cell.textContent.trim();
      return text === "" ? null : Number(text);
    }),
  );
  return { heads, times, columns };
};

// In UTC like all times here; a step of hours shows its day.
const clockTime = (at, step) => {
  const text = new Date(at * 1000).toISOString();
  return step >= 3600 ? text.slice(5, 10) : text.slice(11, 16);
};

const stackedUp = (columns) => {
  const total = columns[0].map(() => 0);
  return columns.map((column) => column.map((value, place) => (total[place] += value ?? 0)));
};

const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

const drawPlot = (figure) => {
  const canvas = $(".canvas", figure);
  const { heads, times, columns } = readTable(figure);
  const isStacked = figure.dataset.plot === "stacked";
  const step = Number(figure.dataset.step);
  const bars = isStacked ? uPlot.paths.bars({ size: [0.8, 40] }) : undefined;
  const series = heads.map((head, place) => {
    const tint = color(head.dataset.color);
    return {
      label: head.textContent,
      stroke: tint,
      fill: isStacked ? tint : undefined,
      width: isStacked ? 0 : 1.5,
      paths: bars,
      points: { show: !isStacked, size: 4, fill: tint },
      spanGaps: false,
      value: (_, __, ___, at) => (at === null ? "–" : String(columns[place][at] ?? "–")),
    };
  });
  const values = isStacked ? stackedUp(columns) : columns;
  // The tallest bar is drawn first, so that those below it stand in front.
  const order = isStacked ? [...values.keys()].reverse() : [...values.keys()];
  const times24 = (_, splits) => splits.map((at) => clockTime(at, step));
  const axis = { stroke: color("text"), grid: { stroke: color("grid"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const options = {
    width: Math.max(canvas.clientWidth, 200),
    height: 190,
    cursor: { y: false, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { x: { time: true, range: [times[0] - step / 2, times[times.length - 1] + step / 2] }, y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [{ ...axis, grid: { show: false }, values: times24 }, { ...axis, size: 56, values: (_, splits) => splits.map((at) => short.format(at)) }],
    series: [{ label: "UTC", value: (_, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(5, 16).replace("T", " ")) }, ...order.map((place) => series[place])],
  };
  drawn.get(canvas)?.destroy();
  canvas.replaceChildren();
  drawn.set(canvas, new uPlot(options, [times, ...order.map((place) => values[place])], canvas));
};

const drawPlots = () => {
  if (!window.uPlot) return;
  for (const [canvas, plot] of drawn) {
    if (!canvas.isConnected) {
      plot.destroy();
      drawn.delete(canvas);
    }
  }
  $$("figure[data-plot]").forEach(drawPlot);
};

let resizing;
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(drawPlots, 150);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawPlots);
drawPlots();
