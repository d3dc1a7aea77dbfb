// The way to the server and back: hands the board's changes over, tells the board what is kept, and shows how far it is.

export default function ({ data, parentElement, setStateValue }) {
  const boards = (window.recuxBoards ??= new Map());
  const board = boards.get(data.store) ?? {};
  boards.set(data.store, board);
  const line = { data, transmit: (pending) => setStateValue("pending", pending) };
  board.line = line;
  board.update?.();
  showProgress(parentElement.querySelector(".line"), data.progress);
  return () => {
    if (board.line === line) board.line = null;
  };
}

function showProgress(root, progress) {
  root.hidden = !progress;
  if (!progress) return;
  const [words, bar] = root.children;
  const percent = Math.round(progress.share * 100);
  if (words.textContent !== progress.words) words.textContent = progress.words;
  bar.setAttribute("aria-valuenow", percent);
  bar.setAttribute("aria-label", progress.words);
  bar.style.setProperty("--share", `${percent}%`);
}
