// The way to the server and back, sent with every click and so kept short: what it does is in the board's script.

export default function ({ data, parentElement, setStateValue }) {
  const now = JSON.parse(new TextDecoder().decode(data));
  const boards = (window.recuxBoards ??= new Map());
  const slot = boards.get(now.store) ?? {};
  boards.set(now.store, slot);
  const line = { data: now, root: parentElement, transmit: (pending) => setStateValue("pending", pending) };
  slot.line = line;
  slot.update?.();
  return () => {
    if (slot.line === line) slot.line = null;
  };
}
