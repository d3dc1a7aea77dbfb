// How far the person is, drawn into the line: it changes with every answer, and needs no element of its own for that.

const PROGRESS_STYLE = `
.progress { display: grid; gap: 0.5rem; color: var(--st-text-color); font: 400 1rem/1.6 var(--st-font); }
p { margin: 0; font-size: 0.875rem; }
.bar { height: 0.5rem; overflow: hidden; border-radius: 0.5rem; background: var(--st-secondary-background-color); }
.bar::before {
  content: "";
  display: block;
  width: var(--share, 0%);
  height: 100%;
  background: var(--st-primary-color);
}
@media (prefers-reduced-motion: no-preference) { .bar::before { transition: width 0.3s; } }
@media (forced-colors: active) {
  .bar { border: 1px solid CanvasText; }
  .bar::before { background: Highlight; forced-color-adjust: none; }
}`;

function showProgress(root, progress) {
  if (!progress) return;
  let element = root.querySelector(".progress");
  if (!element) {
    element = make("div", "progress");
    element.append(make("p"), make("div", "bar"));
    const style = make("style");
    style.textContent = PROGRESS_STYLE;
    root.append(style, element);
  }
  const [words, bar] = element.children;
  const percent = Math.round(progress.share * 100);
  if (words.textContent !== progress.words) words.textContent = progress.words;
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", progress.words);
  bar.setAttribute("aria-valuenow", percent);
  bar.style.setProperty("--share", `${percent}%`);
}
