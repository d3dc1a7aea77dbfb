// The way to the server and back: hands the board's changes over, and tells the board what is kept.

export default function ({ data, setStateValue }) {
  const boards = (window.recuxBoards ??= new Map());
  const board = boards.get(data.store) ?? {};
  boards.set(data.store, board);
  const line = { data, transmit: (pending) => setStateValue("pending", pending) };
  board.line = line;
  board.update?.();
  return () => {
    if (board.line === line) board.line = null;
  };
}
