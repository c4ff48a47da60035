// Before anything is painted: the theme somebody chose here, or else what the system says.
try {
  const chosen = localStorage.getItem("reckoner-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be closed to us; then the system decides.
}
document.documentElement.classList.add("has-script");
